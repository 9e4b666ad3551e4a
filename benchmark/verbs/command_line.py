"""From typed functions to the command line: one subcommand a verb, with its help out of the docstring."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any, get_args, get_origin, get_type_hints

from docstring_parser import parse as parse_docstring
from jsonargparse import ArgumentParser

from benchmark.verbs.options import ReadingOptions

Verbs = Mapping[str, Callable[..., Any]]


def parse(verbs: Verbs, words: list[str], epilog: str) -> tuple[str, dict[str, Any]]:
    """Which verb the words name, and the arguments of its function; wrong usage ends the program with exit code 2."""
    parser = ArgumentParser(prog="petmr", description="Benchmark of whole-brain segmentation of PET/MR.", epilog=epilog)
    subcommands = parser.add_subcommands(dest="verb", metavar="VERB")
    for name, function in verbs.items():
        own = verb_parser(function) if name in words else ArgumentParser()  # of the others only the names are needed
        subcommands.add_subcommand(name, own, help=_summary(function))
    arguments = parser.parse_args(words)
    return arguments.verb, dict(arguments[arguments.verb])


def verb_parser(function: Callable[..., Any]) -> ArgumentParser:
    """What a function takes: required arguments are positional, keyword-only ones and shared ones are options."""
    parser = ArgumentParser(description=_summary(function))
    parameters = _parameters(function)
    options: set[str | int] = {each.name for each in parameters if each.kind is each.KEYWORD_ONLY}
    positional: set[str | int] = {each.name for each in parameters if each.kind is each.POSITIONAL_OR_KEYWORD}
    lists = [each for each in parameters if _item_type(each)]
    skipped = {each.name for each in lists}
    parser.add_function_arguments(function, as_group=False, as_positional=True, skip=options | skipped)
    for each in lists:
        _add_several(parser, each)
    parser.add_function_arguments(function, as_group=False, skip=positional | skipped)
    _polish(parser, function)
    return parser


def _parameters(function: Callable[..., Any]) -> list[inspect.Parameter]:
    """Of a function; the options that it takes as `**options: Unpack[SomeTypedDict]` each for itself."""
    own = inspect.signature(function).parameters.values()
    options = {name: kind for each in _shared(function) for name, kind in get_type_hints(each).items()}
    unpacked = [
        inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=None, annotation=kind)
        for name, kind in options.items()
    ]
    return [*(each for each in own if each.kind is not each.VAR_KEYWORD), *unpacked]


def _shared(function: Callable[..., Any]) -> list[Any]:
    """The TypedDicts whose options a function takes."""
    parameters = inspect.signature(function).parameters.values()
    return [get_args(each.annotation)[0] for each in parameters if each.kind is each.VAR_KEYWORD]


def _item_type(parameter: inspect.Parameter) -> type | None:
    """What a list holds, where the parameter is one (or None)."""
    kinds = (parameter.annotation, *get_args(parameter.annotation))
    return next((get_args(kind)[0] for kind in kinds if get_origin(kind) is list), None)


def _add_several(parser: ArgumentParser, parameter: inspect.Parameter) -> None:
    """Take several words for one parameter: jsonargparse alone would want them as one JSON list."""
    name, required = parameter.name, {}
    if parameter.kind is parameter.KEYWORD_ONLY:
        name, required = f"--{name}", {"required": parameter.default is parameter.empty}
    shown = parameter.name.upper()
    parser.add_argument(name, nargs="+", type=_item_type(parameter), metavar=shown, **required)


def _polish(parser: ArgumentParser, function: Callable[..., Any]) -> None:
    """Spell `--dry_run` as `--dry-run`, let a flag stand alone, and explain what jsonargparse found no words for."""
    flags = {each.name for each in _parameters(function) if each.annotation is bool}
    words = {each.arg_name: each.description for text in _documents(function) for each in parse_docstring(text).params}
    for action in parser._actions:
        action.option_strings = [name.replace("_", "-") for name in action.option_strings]
        parser._option_string_actions.update(dict.fromkeys(action.option_strings, action))
        action.help = action.help or words.get(action.dest)
        if action.dest in flags:
            action.nargs, action.const = "?", True


def _documents(function: Callable[..., Any]) -> list[str]:
    """What explains a function's options: shared ones stand in TypedDicts, most of them in `ReadingOptions`."""
    return [each.__doc__ or "" for each in (ReadingOptions, *_shared(function), function)]


def _summary(function: Callable[..., Any]) -> str:
    return (function.__doc__ or "").split("\n")[0]
