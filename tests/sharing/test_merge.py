import shutil
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pytest
from builders.cases import cases_of
from builders.runs import write_runs
from builders.sketches import sketch_all

import benchmark.report.write
from benchmark.__main__ import main
from benchmark.figures.names import NETWORKS as NAMES
from benchmark.report.numbers import compute
from benchmark.report.sheets.covariates import divide
from benchmark.report.write import write_tables
from benchmark.runs.contributions import contributions
from benchmark.runs.evidence import find_runs, gather, write_grid
from benchmark.runs.joined import join
from benchmark.runs.reading import Reading, write_reading
from benchmark.sharing.pack import Contents, pack
from benchmark.sharing.unpack import opened

NETWORKS = ("cross_fusion", "unet3d", "vnet")
CASES = cases_of(networks=NETWORKS)


def lab(folder: Path, name: str, networks: tuple[str, ...], **changed: object) -> Path:
    """The pack of a laboratory that has run some networks."""
    own = CASES[CASES["variant"].isin(networks)].assign(**changed)
    runs = write_runs(folder / name, own)
    write_grid(runs, [run.record for run in find_runs([runs])])
    pack([runs], folder / f"{name}.zip", Contents(by=f"Lab {name.upper()}"))
    return folder / f"{name}.zip"


def tables_of(folders: Sequence[Path], output: Path) -> dict[str, bytes]:
    for evidence in gather(folders):
        write_tables(evidence, compute(evidence), divide(evidence, [], None), output / evidence.experiment)
    return {path.relative_to(output).as_posix(): path.read_bytes() for path in output.rglob("*") if path.is_file()}


def test_rows_of_two_laboratories_stand_in_one_table_that_says_whose_they_are(tmp_path: Path):
    packs = [lab(tmp_path, "a", NETWORKS[:2]), lab(tmp_path, "b", NETWORKS[2:])]
    whole = lab(tmp_path, "whole", NETWORKS).with_suffix("")
    with opened(packs) as folders:
        (evidence,) = gather(folders)
        assert tables_of(folders, tmp_path / "of-packs") == tables_of([whole], tmp_path / "of-whole")
        told = contributions(evidence).set_index("source")
    assert told.loc["a.zip", ["by", "networks"]].tolist() == ["Lab A", "cross_fusion, unet3d"]
    assert told.loc["b.zip", ["by", "networks", "runs"]].tolist() == ["Lab B", "vnet", 2]


def test_a_pack_beside_the_folder_that_it_was_made_of_counts_once(tmp_path: Path):
    packed = lab(tmp_path, "a", NETWORKS)
    with opened([packed, tmp_path / "a"]) as folders:
        (evidence,) = gather(folders)
        assert len(evidence.runs) == 6 and evidence.gaps == ()
        assert all(run.folder.path.is_relative_to(tmp_path / "a") for run in evidence.runs)


@pytest.mark.parametrize("key", ["cohort", "splits"])
def test_other_cohorts_and_folds_are_refused_with_both_fingerprints(tmp_path: Path, key: str):
    packs = [lab(tmp_path, "a", NETWORKS[:2]), lab(tmp_path, "b", NETWORKS[2:], **{key: "other"})]
    with pytest.raises(ValueError) as refusal, opened(packs):
        pass
    assert f"{key} {key}-a" in str(refusal.value) and f"{key} other" in str(refusal.value)
    assert "in a.zip (by Lab A)" in str(refusal.value) and "in b.zip (by Lab B)" in str(refusal.value)


def test_one_run_with_two_results_is_refused_with_both_origins(tmp_path: Path):
    packs = [lab(tmp_path, "a", NETWORKS), lab(tmp_path, "b", NETWORKS[2:], hausdorff_mm=CASES["hausdorff_mm"] + 1)]
    with (
        pytest.raises(ValueError, match=r"test/vnet/fold-0-seed-0 is in a\.zip \(by Lab A\) and.*b\.zip"),
        opened(packs),
    ):
        pass


def test_experiments_of_other_names_share_a_table_when_asked(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(benchmark.report.write, "draw_all", sketch_all)
    packs = [lab(tmp_path, "a", NETWORKS[:2]), lab(tmp_path, "b", NETWORKS[2:], experiment="mine")]
    with opened(packs) as folders:
        assert [evidence.experiment for evidence in gather(folders)] == ["test", "mine"]
    main(["report", *map(str, packs), "--output", str(tmp_path / "one"), "--together", "everyone"])
    table = pd.read_csv(tmp_path / "one/everyone/tables/overall.csv")
    assert set(table["Network"]) == {NAMES[name] for name in NETWORKS}
    assert "everyone: who contributed what" in capsys.readouterr().out
    assert "Who contributed what" in (tmp_path / "one/report.html").read_text()


def test_experiments_that_cannot_share_a_table_are_refused(tmp_path: Path):
    write_runs(tmp_path / "one", CASES)
    write_runs(tmp_path / "two", CASES.assign(experiment="two", cohort="other"))
    write_runs(tmp_path / "three", CASES.assign(experiment="three"))
    with pytest.raises(ValueError, match="different cohort: cohort-a in test, other in two"):
        join(gather([tmp_path / "one", tmp_path / "two"]), "x")
    with pytest.raises(
        ValueError, match="cross_fusion, unet3d, vnet: more than one of these experiments has such a row"
    ):
        join(gather([tmp_path / "one", tmp_path / "three"]), "x")


def test_rows_that_are_incomplete_stay_so_together(tmp_path: Path):
    one, two = write_runs(tmp_path / "one", CASES[CASES["variant"] != "vnet"]), tmp_path / "two"
    write_runs(two, CASES[CASES["variant"] == "vnet"].assign(experiment="two"))
    shutil.rmtree(two / "vnet/fold-1-seed-0")
    together = join(gather([one, two]), "x")
    assert together.incomplete == {"vnet": "1 of 2 runs"}
    assert together.remark == "Incomplete: 1 of 6 runs are not counted: two/vnet/fold-1-seed-0 (missing)."


def test_experiments_keep_their_labels_and_what_they_ask_for_together(tmp_path: Path):
    one = write_runs(tmp_path / "one", CASES[CASES["variant"] != "vnet"])
    two = write_runs(tmp_path / "two", CASES[CASES["variant"] == "vnet"].assign(experiment="two"))
    write_reading(one, Reading({"unet3d": "Plain"}, absent="exclude", by=["sex"]))
    write_reading(two, Reading({"vnet": "Old"}, by=["sex", "age"]))
    together = join(gather([one, two]), "x").reading
    assert together == Reading({"unet3d": "Plain", "vnet": "Old"}, "exclude", [], by=["sex", "age"])


def test_the_verb_packs_and_says_what_comes_next(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    runs = write_runs(tmp_path / "runs", CASES)
    main(["pack", str(runs), "--output", str(tmp_path / "my x.zip"), "--by", "Lab A", "--only", "vnet/*"])
    told = capsys.readouterr()
    said = " ".join(told.out.split())
    assert "pack 2/2: vnet/fold-1-seed-0" in told.err
    assert "x.zip: 2 runs, 14 files of" in said and said.endswith(f"Next: petmr report '{tmp_path}/my x.zip'")
