"""A process that stops when the one that started it is gone, so that no orphan trains on unseen."""

import multiprocessing
import os
import signal
import threading
import time

PARENT = "PETMR_PARENT"
"""Environment variable with the number of the process that starts a run, which may be gone before the run looks."""

GRACE_S = 7.5
"""For a stopped process to say how it ended, before it is killed."""


def follow_parent(seconds: float = 1.0) -> None:
    """Stop this process once the one that started it is gone.

    Args:
        seconds: Between looks, for a process that was started as a command; a forked one is told at once.
    """
    forked_by = multiprocessing.parent_process()
    started_by = int(os.environ.pop(PARENT, os.getppid()))  # gone: further ranks follow this process

    def watch() -> None:
        if forked_by:
            forked_by.join()
        else:
            while os.getppid() == started_by:
                time.sleep(seconds)
        os.kill(os.getpid(), signal.SIGTERM)
        time.sleep(GRACE_S)
        os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, daemon=True).start()
