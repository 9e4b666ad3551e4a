"""A command that has one run done and waits for it: `python -m builders.launch_one FOLDER`."""

import sys
from pathlib import Path

from benchmark.launching.local import LocalLauncher
from benchmark.runs.folder import RunFolder


def main() -> None:
    LocalLauncher([None])(RunFolder(Path(sys.argv[1])))
