import errno
import os
import subprocess
import sys
import time
from multiprocessing import get_context

import pytest

from benchmark.runs.lock import LockedError, is_locked, locked


def test_the_second_is_refused_and_told_who_is_first(tmp_path):
    with (
        locked(tmp_path / "lock"),
        pytest.raises(LockedError, match=f"process {os.getpid()} on .+"),
        locked(tmp_path / "lock"),
    ):
        pass


def test_a_lock_is_free_again_after_its_holder_even_if_that_was_killed(tmp_path):
    hold = (
        "import os, pathlib, signal; from benchmark.runs.lock import locked\n"
        f"with locked(pathlib.Path({str(tmp_path / 'lock')!r})): os.kill(os.getpid(), signal.SIGKILL)"
    )
    assert subprocess.run([sys.executable, "-c", hold], check=False).returncode == -9
    assert (tmp_path / "lock").read_text().startswith("process ")
    assert not is_locked(tmp_path / "lock")
    with locked(tmp_path / "lock"):
        assert is_locked(tmp_path / "lock")


def test_children_that_were_forked_meanwhile_hold_no_lock_once_it_is_left(tmp_path):
    with locked(tmp_path / "lock"):
        child = get_context("fork").Process(target=time.sleep, args=(60,))
        child.start()
        assert is_locked(tmp_path / "lock")
    assert child.is_alive() and not is_locked(tmp_path / "lock")
    child.kill()
    child.join()


def test_looking_does_not_keep_anyone_out(tmp_path):
    (tmp_path / "lock").write_text("process 1 on nowhere")
    with (tmp_path / "lock").open() as other:
        import fcntl

        fcntl.flock(other, fcntl.LOCK_SH)
        assert not is_locked(tmp_path / "lock")


def test_a_file_system_without_locks_is_told(tmp_path, monkeypatch):
    def refuse(*_):
        raise OSError(errno.ENOLCK, "No locks available")

    monkeypatch.setattr("fcntl.flock", refuse)
    with pytest.raises(OSError, match=r"keeps no locks .*Choose an --output on another one"), locked(tmp_path / "lock"):
        pass


def test_patience_waits_for_a_holder_that_is_ending(tmp_path):
    hold = (
        "import pathlib, time; from benchmark.runs.lock import locked\n"
        f"with locked(pathlib.Path({str(tmp_path / 'lock')!r})): print(flush=True); time.sleep(0.5)"
    )
    with subprocess.Popen([sys.executable, "-c", hold], stdout=subprocess.PIPE) as holder:
        holder.stdout.readline()
        with pytest.raises(LockedError), locked(tmp_path / "lock"):
            pass
        with locked(tmp_path / "lock", patience_s=10):
            pass
