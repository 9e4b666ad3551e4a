"""The verbs of `petmr`. Heavy libraries are imported inside the verb that needs them, so that `--help` is quick."""

import logging
import os
import sys
from collections.abc import Callable
from typing import Any

from benchmark.verbs.bench import bench
from benchmark.verbs.data import check, picture, prepare, simulate, split
from benchmark.verbs.demo import demo
from benchmark.verbs.drafts import init, protocol
from benchmark.verbs.experiment import calibrate, evaluate, report, run, status
from benchmark.verbs.listing import listing
from benchmark.verbs.model import predict, profile, score
from benchmark.verbs.sharing import adopt, export, pack, shrink
from benchmark.verbs.tuning import tune

MOST_LINES, LONGEST_LINE = 3, 600
"""What a person reads of an error."""
LIGHTNING_VERBS = ("fit", "validate", "test")
EPILOG = (
    "One network on one fold: petmr {fit,validate,test} --config FILE ... (LightningCLI). --debug shows tracebacks."
)


VERBS: dict[str, Callable[..., Any]] = {
    "demo": demo,
    "list": listing,
    "simulate": simulate,
    "init": init,
    "protocol": protocol,
    "check": check,
    "prepare": prepare,
    "split": split,
    "picture": picture,
    "tune": tune,
    "run": run,
    "status": status,
    "evaluate": evaluate,
    "calibrate": calibrate,
    "predict": predict,
    "score": score,
    "report": report,
    "pack": pack,
    "adopt": adopt,
    "export": export,
    "shrink": shrink,
    "profile": profile,
    "bench": bench,
}


def call(words: list[str]) -> None:
    """Do what the words ask."""
    if words and words[0] in LIGHTNING_VERBS:
        from benchmark.verbs.lightning_words import help_of, translated

        if text := help_of(words):
            sys.stdout.write(text)
            return
        words = translated(words)
        from benchmark.verbs.lightning import lightning

        lightning(words)
        return
    from benchmark.verbs.command_line import parse

    verb, arguments = parse(VERBS, words, EPILOG)
    VERBS[verb](**arguments)


def shortened(message: str) -> str:
    """A message with at most a few lines of each of its paragraphs, and how the rest is seen."""
    paragraphs = [paragraph.splitlines() for paragraph in message.split("\n\n")]
    shown = [[_cut(line) for line in lines[:MOST_LINES]] for lines in paragraphs]
    if shown == paragraphs:
        return message
    left = sum(max(len(lines) - MOST_LINES, 0) for lines in paragraphs)
    hint = f"({f'{left} more lines: ' if left else ''}--debug shows all.)"
    return "\n".join(["\n\n".join("\n".join(lines) for lines in shown), hint])


def _cut(line: str) -> str:
    return line if len(line) <= LONGEST_LINE else f"{line[: LONGEST_LINE - 1]}…"


def main(args: list[str] | None = None) -> None:
    """Do what the command line asks: exit code 0, 1 with one sentence for bad input, 2 for wrong usage."""
    words = list(sys.argv[1:] if args is None else args)
    debug = "--debug" in words
    sys.path.append(os.getcwd())  # noqa: PTH109  for networks of the user's own; last, as no file here is ever torch
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    try:
        call([word for word in words if word != "--debug"])
    except (ValueError, OSError, FloatingPointError) as error:
        if debug:
            raise
        sys.stderr.write(f"petmr: {shortened(str(error))}\n")
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
