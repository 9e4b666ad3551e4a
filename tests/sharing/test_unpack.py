import json
import random
import stat
import zipfile
from pathlib import Path

import pytest
from builders.cases import cases_of
from builders.hostile.packs import repacked
from builders.runs import write_runs

from benchmark.sharing import unpack
from benchmark.sharing.pack import Contents, pack
from benchmark.sharing.unpack import open_pack, opened

RUN = "test/unet3d/fold-0-seed-0"


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("good")
    write_runs(folder / "runs", cases_of(subjects=4, folds=2))
    pack([folder / "runs"], folder / "good.zip", Contents(by="Lab A"))
    return folder / "good.zip"


def test_what_was_packed_comes_out_and_says_who_packed_it(good: Path, tmp_path: Path):
    folder = open_pack(repacked(good, tmp_path / "a.zip", {}), tmp_path / "a")
    assert (folder / RUN / "cases.csv").is_file()
    assert json.loads((folder / "opened.json").read_text())["by"] == "Lab A"


@pytest.mark.parametrize(
    "name",
    [
        "../evil.csv",
        "/etc/evil.csv",
        f"{RUN}/../../../../evil.csv",
        f"{RUN}\\cases.csv",
        "C:/evil.csv",
        "test/.hidden/fold-0-seed-0/cases.csv",
        f"{RUN}/checkpoints/best.ckpt",
        f"{RUN}/predictions/x.exe",
        "opened.json",
        f"{RUN}/",
    ],
)
def test_names_that_lead_out_or_are_not_a_packs_are_refused_before_anything_is_written(
    good: Path, tmp_path: Path, name: str
):
    path = repacked(good, tmp_path / "a.zip", {name: b"x"})
    with pytest.raises(ValueError, match=r"a\.zip: holds .*; expected nothing but what `petmr pack` writes"):
        open_pack(path, tmp_path / "a")
    assert [one.name for one in tmp_path.iterdir()] == ["a.zip"]


def test_links_are_refused(good: Path, tmp_path: Path):
    name = f"{RUN}/cases.csv"
    path = repacked(good, tmp_path / "a.zip", {name: b"/etc/passwd"}, {name: stat.S_IFLNK | 0o777})
    with pytest.raises(ValueError, match="no links"):
        open_pack(path, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_two_files_of_one_name_are_refused_also_where_case_is_ignored(good: Path, tmp_path: Path):
    path = repacked(good, tmp_path / "a.zip", {f"{RUN.replace('unet3d', 'UNET3D')}/cases.csv": b"x"})
    with pytest.raises(ValueError, match="two files of one name"):
        open_pack(path, tmp_path / "a")


def test_a_bomb_is_refused_by_what_it_claims_before_it_is_unpacked(good: Path, tmp_path: Path):
    path = repacked(good, tmp_path / "a.zip", {f"{RUN}/cases-bomb.csv": bytes(2**28)})
    assert path.stat().st_size < 2**20
    with pytest.raises(ValueError, match="claim to hold 2684"):
        open_pack(path, tmp_path / "a")
    assert not (tmp_path / "a").exists()


def test_a_bomb_that_lies_about_its_size_is_never_unpacked_beyond_it(good: Path, tmp_path: Path):
    name = f"{RUN}/cases-bomb.csv"
    path = repacked(good, tmp_path / "a.zip", {name: bytes(2**26)})
    data = bytearray(path.read_bytes())
    claimed, lie = (2**26).to_bytes(4, "little"), (1000).to_bytes(4, "little")
    assert data.count(claimed) == 2  # in the file's own header and in the directory
    path.write_bytes(bytes(data).replace(claimed, lie))
    with pytest.raises(ValueError, match=r"a\.zip: "):
        open_pack(path, tmp_path / "a")
    assert max(file.stat().st_size for file in (tmp_path / "a").rglob("*") if file.is_file()) < 2**20


def test_more_files_than_any_pack_has_are_refused(good: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(unpack, "MOST_FILES", 3)
    with pytest.raises(ValueError, match="a pack has at most 3"):
        open_pack(good, tmp_path / "a")


def test_a_file_that_is_not_what_was_packed_is_named(good: Path, tmp_path: Path):
    with zipfile.ZipFile(good) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    contents[f"{RUN}/cases.csv"] = contents[f"{RUN}/cases.csv"].replace(b"present", b"missed", 1)
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        for name, content in contents.items():
            archive.writestr(name, content)
    with pytest.raises(ValueError, match=rf"its {RUN}/cases.csv isn't what was packed \(another hash\)"):
        open_pack(tmp_path / "a.zip", tmp_path / "a")


def test_index_and_files_must_agree(good: Path, tmp_path: Path):
    with zipfile.ZipFile(good) as archive, zipfile.ZipFile(tmp_path / "a.zip", "w") as smaller:
        for name in archive.namelist():
            if name != f"{RUN}/done.json":
                smaller.writestr(name, archive.read(name))
    with pytest.raises(ValueError, match=rf"its index and its files differ in {RUN}/done.json"):
        open_pack(tmp_path / "a.zip", tmp_path / "a")


@pytest.mark.parametrize(
    ("file", "old", "new", "match"),
    [
        ("run.json", '"test"', '"../x"', "experiment is '../x', which can't name a folder"),
        ("run.json", '"unet3d"', '"vnet"', "it is of test/vnet/fold-0-seed-0"),
        ("run.json", '"seed": 0', '"seed": "0"', "seed is '0'"),
        ("run.json", '"seed": 0', '"speed": 0', "speed"),
        ("run.json", "{", "[" * 100_000, "run.json isn't what"),
        ("cases.csv", "s000", "../../s000", "subject is '../../s000'"),
        ("cases.csv", "Structure-00", "=cmd|calc", "structure is '=cmd|calc'"),
        ("cases.csv", ",dice,", ",price,", "has no column dice"),
        ("config.yaml", "folds: 2", "folds: 1000000000", "data.folds is 1000000000"),
        ("config.yaml", "class_path: models.unet3d", "class_path: [1]", "model.network is a class path"),
        ("config.yaml", "data:", "x: &x [1]\ny: *x\ndata:", "refers to itself"),
        ("config.yaml", "data:", f"x: {'[' * 60}{']' * 60}\ndata:", "too deep"),
        ("config.yaml", "data:", "data: !!python/object/apply:os.system ['true']\nx:", "python/object"),
        ("done.json", '"hardware": "CPU"', '"hardware": ["CPU"]', "versions and hardware are texts"),
        ("done.json", '"seconds": 66.0', '"seconds": "long"', "seconds is 'long'"),
        ("log/version_0/metrics.csv", "0,0,2.0", "0,0,two", "train/loss isn't all numbers"),
    ],
)
def test_files_that_do_not_hold_what_their_names_promise_are_refused_in_one_sentence(
    good: Path, tmp_path: Path, file: str, old: str, new: str, match: str
):
    with zipfile.ZipFile(good) as archive:
        text = archive.read(f"{RUN}/{file}").decode()
    assert old in text
    path = repacked(good, tmp_path / "a.zip", {f"{RUN}/{file}": text.replace(old, new, 1).encode()})
    with pytest.raises(ValueError) as refusal:
        open_pack(path, tmp_path / "a")
    assert match in str(refusal.value) and str(refusal.value).startswith(f"{path}: its {RUN}/{file}")


def test_an_external_cohort_cannot_name_a_file_elsewhere(good: Path, tmp_path: Path):
    with zipfile.ZipFile(good) as archive:
        head, *rows = archive.read(f"{RUN}/cases.csv").decode().splitlines()
    told = "\n".join([f"{head},test_cohort", *(f"{row},../../../evil" for row in rows)])
    path = repacked(good, tmp_path / "a.zip", {f"{RUN}/cases-cohort-x.csv": told.encode()})
    with pytest.raises(ValueError, match=r"test_cohort is '\.\./\.\./\.\./evil'"):
        open_pack(path, tmp_path / "a")


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip file at all" * 100])
def test_what_is_no_zip_file_is_no_pack(tmp_path: Path, content: bytes):
    (tmp_path / "a.zip").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.zip: is no pack that can be read whole"):
        open_pack(tmp_path / "a.zip", tmp_path / "a")


def test_a_zip_file_of_something_else_is_no_pack(tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w"):
        pass
    with pytest.raises(ValueError, match=r"has no index \(pack\.json\)"):
        open_pack(tmp_path / "a.zip", tmp_path / "a")


def test_another_format_is_named(good: Path, tmp_path: Path):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        archive.writestr("pack.json", '{"format": 7, "files": {}}')
    with pytest.raises(ValueError, match="has the format 7; expected 1"):
        open_pack(tmp_path / "a.zip", tmp_path / "a")


def test_any_changed_or_missing_bytes_end_in_one_sentence_or_change_nothing(good: Path, tmp_path: Path):
    draw, data = random.Random(0), good.read_bytes()
    refused = 0
    for number in range(300):
        broken = bytearray(data)
        for _ in range(draw.randint(1, 4)):
            broken[draw.randrange(len(broken))] = draw.randrange(256)
        if number % 3 == 0:
            del broken[draw.randrange(len(broken)) :]
        (tmp_path / "a.zip").write_bytes(broken)
        try:
            open_pack(tmp_path / "a.zip", tmp_path / f"a{number}")
        except ValueError:
            refused += 1
    assert refused > 250


def test_a_place_that_is_not_there_is_named(tmp_path: Path):
    with (
        pytest.raises(FileNotFoundError, match=r"no\.zip: there is no such folder or pack"),
        opened([tmp_path / "no.zip"]),
    ):
        pass


def test_what_was_unpacked_is_gone_afterwards(good: Path):
    with opened([good]) as (folder,):
        assert (folder / RUN).is_dir()
    assert not folder.exists()
