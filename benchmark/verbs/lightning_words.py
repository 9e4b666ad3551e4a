"""What is told about `fit`, `validate` and `test` before their heavy libraries are loaded."""

import shlex
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import yaml

HELP = """usage: petmr {verb} --config FILE [--data.fold K] [--trainer.max_epochs N] ...

One network on one fold, by LightningCLI and outside of any experiment: nothing is scored, resumed or reported.
An experiment does all of that, and one YAML file says what it is: petmr run --help, and experiments/*.yaml.

FILE has the sections data, model and trainer, such as the config.yaml of every run's folder.
petmr {verb} --help-all lists every option.
"""


def help_of(words: Sequence[str]) -> str:
    """What to print instead of LightningCLI's own help of a thousand lines; empty where that isn't asked for."""
    return HELP.format(verb=words[0]) if {"-h", "--help"} & set(words) else ""


def translated(words: Sequence[str]) -> list[str]:
    """The words that LightningCLI understands.

    Raises:
        ValueError: If a configuration is an experiment.
    """
    split = [part for word in words for part in word.split("=", 1)]
    for option, value in pairwise(split):
        if option in ("--config", "-c"):
            refuse_experiment(Path(value), words[0])
    return ["--help" if word == "--help-all" else word for word in words]


def refuse_experiment(path: Path, verb: str) -> None:
    """Refuse the file of an experiment, which names many networks.

    Raises:
        ValueError: Saying what takes it.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError):
        return  # which LightningCLI will tell
    if isinstance(content, dict) and "variants" in content:
        command = shlex.join(["petmr", "run", str(path), "--cohort", "COHORT"])
        raise ValueError(
            f"{path}: is an experiment, and petmr {verb} takes the configuration of one network. Run it: "
            f"{command} (--only VARIANT/fold-0-seed-0 for a single run)."
        )
