"""Files of packs that others send, and of finished runs, changed: one sentence, or the run doesn't count."""

import json
import shutil

import pytest
import yaml
from builders.cases import cases_of
from builders.hostile.fuzz import LONG, changed, damaged, fuzz, kept, told
from builders.hostile.packs import repacked, unzipped
from builders.runs import write_runs
from hypothesis import strategies as st

from benchmark.runs.evidence import gather
from benchmark.sharing.pack import Contents, pack
from benchmark.sharing.unpack import opened

RUN = "test/unet3d/fold-0-seed-0"


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    return write_runs(tmp_path_factory.mktemp("good") / "runs", cases_of(subjects=4, folds=2))


@pytest.fixture(scope="module")
def good(runs):
    pack([runs], runs.parent / "good.zip", Contents(by="Lab A"))
    return runs.parent / "good.zip"


@st.composite
def spoilt(draw, contents: dict[str, bytes]) -> tuple[str, bytes]:
    """The name of a file, and its bytes damaged or its entries changed."""
    name = draw(st.sampled_from(sorted(contents)))
    whole = contents[name]
    read = {".json": json.loads, ".yaml": yaml.safe_load}.get(name[name.rfind(".") :])
    if read is None or draw(st.booleans()):
        return name, draw(damaged(whole))
    return name, json.dumps(draw(changed(read(whole))), default=str).encode()


def check_pack(good, name: str, whole: bytes) -> None:
    """A pack that holds it is refused in a sentence that names the pack, or opens and is gathered or refused."""
    path = repacked(good, good.with_name("spoilt.zip"), {name: whole})

    def read() -> None:
        with opened([path]) as folders:
            gather(folders)

    with kept("packs", name.replace("/", "-"), whole):
        told(read)


def check_run(runs, name: str, whole: bytes) -> None:
    """A finished run whose table or marker was changed doesn't count, or nothing that a table needs was changed."""
    folder = runs.parent / "changed"
    shutil.copytree(runs, folder, dirs_exist_ok=True)
    (folder / name).write_bytes(whole)

    def read() -> None:
        counted = {str(run.folder.path.relative_to(folder)) for one in gather([folder]) for run in one.runs}
        assert name.rpartition("/")[0] not in counted or not name.endswith("cases.csv")

    with kept("runs", name.replace("/", "-"), whole):
        told(read)


@pytest.fixture(scope="module")
def in_pack(good):
    return spoilt({name: content for name, content in unzipped(good).items() if name != "pack.json"})


@pytest.fixture(scope="module")
def in_runs(runs):
    names = [path for path in (runs / "unet3d/fold-0-seed-0").rglob("*") if path.is_file()]
    contents = {str(path.relative_to(runs)): path.read_bytes() for path in names}
    return spoilt(contents).filter(lambda one: one[1] != contents[one[0]])


def test_a_changed_file_of_a_pack(good, in_pack):
    fuzz(lambda file: check_pack(good, *file), file=in_pack)()


def test_a_changed_file_of_a_run(runs, in_runs):
    fuzz(lambda file: check_run(runs, *file), file=in_runs)()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_changed_files_of_packs(good, in_pack):
    fuzz(lambda file: check_pack(good, *file), LONG, file=in_pack)()


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_many_changed_files_of_runs(runs, in_runs):
    fuzz(lambda file: check_run(runs, *file), LONG, file=in_runs)()
