import os
import tempfile

import pytest

from benchmark.launching import temporaries
from benchmark.launching.temporaries import FOLDER, keep_temporaries_in


@pytest.fixture(autouse=True)
def as_before(monkeypatch):
    monkeypatch.setenv("TMPDIR", tempfile.gettempdir())
    monkeypatch.setattr(tempfile, "tempdir", None)


def test_what_a_killed_process_left_goes_and_new_files_lie_beside_the_run(tmp_path, monkeypatch):
    monkeypatch.setattr(temporaries, "LONGEST", 500)
    (tmp_path / FOLDER).mkdir()
    (tmp_path / FOLDER / "pymp-old").touch()
    keep_temporaries_in(tmp_path)
    assert not any((tmp_path / FOLDER).iterdir())
    assert tempfile.gettempdir() == os.environ["TMPDIR"] == str(tmp_path / FOLDER)


def test_where_sockets_would_have_too_long_names_the_systems_folder_stays(tmp_path, monkeypatch):
    monkeypatch.setattr(temporaries, "LONGEST", 5)
    before = tempfile.gettempdir()
    keep_temporaries_in(tmp_path)
    assert tempfile.gettempdir() == before and not (tmp_path / FOLDER).exists()
