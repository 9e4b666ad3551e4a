"""Temporary files of a run's process beside the run, so that what a killed one leaves goes when the next begins."""

import multiprocessing
import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

FOLDER = ".tmp"
LONGEST = 60
"""Bytes of the folder's path: sockets are made in it, whose whole paths may have 107."""


def keep_temporaries_in(folder: Path) -> None:
    """Let this process, and those that it starts, have temporary files in a folder below, which is empty then.

    Where its path would be too long for a socket, the system's folder stays.

    Args:
        folder: Where one process works at a time.
    """
    place = folder.resolve() / FOLDER
    shutil.rmtree(place, ignore_errors=True)
    if len(os.fsencode(place)) <= LONGEST:
        place.mkdir()
        os.environ["TMPDIR"] = tempfile.tempdir = str(place)
        process: Any = multiprocessing.current_process()
        process._config.pop("tempdir", None)  # its parent's
