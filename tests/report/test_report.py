import base64
import json
import re
import shutil
import zlib
from dataclasses import replace
from html import unescape
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of
from builders.cohorts import make_cohort
from builders.runs import cases_on, write_condition, write_predictions, write_runs
from builders.sketches import sketch_all

import benchmark.report.write
from benchmark.figures.pictures.scenes import load_scene, telling_subjects
from benchmark.report.facts import find_cohort
from benchmark.report.numbers import compute
from benchmark.report.page.downloads import smallest
from benchmark.report.page.provenance import Provenance
from benchmark.report.page.render import render
from benchmark.report.page.slice_browser import GREYS, scene_data
from benchmark.report.sheets.consistency import consistency_sheets
from benchmark.report.sheets.scores import main_sheets, paper_sheets
from benchmark.report.sheets.statistics import statistics_sheets
from benchmark.report.write import Report, report
from benchmark.runs.evidence import find_runs, gather, write_grid
from benchmark.runs.folder import RunFolder

NAMED = {1: ("White-Matter", 2), 2: ("Cortex", 3), 3: ("Thalamus", 10)}


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Three networks on a cohort of six, with predictions of all subjects."""
    folder = tmp_path_factory.mktemp("runs")
    cohort = make_cohort(folder, subjects=6)
    cases = cases_of(networks=("cross_fusion", "unet3d", "vnet"), skill={"cross_fusion": 0.9, "vnet": 0.5})
    names = cases["label"].map(NAMED)
    cases = cases.assign(structure=names.str[0], label=names.str[1])
    cases = cases_on(cohort, cases, folds=2)
    write_runs(folder / "runs", cases, cohort.path)
    write_predictions(folder / "runs", cohort, list(cohort.subjects))
    return folder / "runs"


@pytest.fixture(scope="module")
def made(runs: Path, tmp_path_factory: pytest.TempPathFactory) -> Report:
    return report([runs], tmp_path_factory.mktemp("report"))


class Links(HTMLParser):
    """Everything that a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        self.found += [value or "" for name, value in attributes if name in ("src", "href")]


def test_the_page_fetches_nothing(made: Report):
    links = Links()
    links.feed(made.page.read_text())
    assert any(link.startswith("data:image/webp") for link in links.found)
    assert all(link.startswith(("data:", "#")) for link in links.found)
    assert not re.search(r"url\(|@import|fetch\(|XMLHttpRequest", made.page.read_text())


def test_files_too_large_for_the_page_are_linked_where_they_lie_beside_it(made: Report):
    (one,) = made.experiments
    numbers = [made.page.parent / "test" / name for name in one.files if name.startswith("numbers")]
    small = smallest(numbers, most=40_000)
    assert 20_000 < sum(file.stat().st_size for file in small) <= 40_000
    large = {f"test/numbers/{file.name}" for file in set(numbers) - set(small)}
    files = {name: content for name, content in one.files.items() if f"test/{name}" not in large}
    links = Links()
    links.feed(render([replace(one, files=files)], Provenance("petmr report", "abc", "1")))
    assert {link for link in links.found if not link.startswith(("data:", "#"))} == large
    assert all((made.page.parent / link).is_file() for link in large)


def test_every_table_lies_beside_the_page_in_three_forms(made: Report):
    tables = made.page.parent / "test/tables"
    for sheet in (
        "overall",
        "structures",
        "pooled",
        "tests_dice",
        "intervals_hausdorff_mm",
        "stability_dice",
        "paper_dice",
    ):
        assert {file.suffix for file in tables.glob(f"{sheet}.*")} == {".csv", ".md", ".tex"}


def test_every_figure_lies_beside_the_page_as_png_and_pdf(made: Report):
    figures = made.page.parent / "test/figures"
    pictures = [picture for section in made.experiments[0].sections for picture in section.pictures]
    for picture in pictures:
        assert picture.png.stat().st_size > 0 and (figures / f"{picture.name}.pdf").is_file()
    names = {picture.name for picture in pictures}
    assert {
        "whole_brain",
        "boxes",
        "structures",
        "critical_difference",
        "training",
        "cost",
        "uptake_bland_altman",
    } <= names


def test_the_page_says_who_leads_and_by_how_much(made: Report):
    (one,) = made.experiments
    assert one.headline == "Cross fusion (Tang 2025) leads, but no test could confirm it"
    assert one.answers["Leader"].startswith("Cross fusion (Tang 2025) has the best mean Dice, 0.90")
    page = unescape(made.page.read_text()).replace("\N{NO-BREAK SPACE}", " ")
    assert one.headline in page and all(answer in page for answer in one.answers.values())
    told = json.loads((made.page.parent / "test/verdict.json").read_text())
    assert (told["leader"], told["headline"]) == ("cross_fusion", one.headline)


def test_the_certificate_says_that_every_subject_is_tested_once(made: Report):
    folds = made.experiments[0].facts.folds
    assert "no subject is tested twice, and 6 of 6 subjects are tested" in folds.statement
    assert folds.parts["subjects"].sum() == 2 * 6


def test_conditions_name_network_settings_shared_configuration_and_versions(made: Report):
    facts = made.experiments[0].facts
    assert facts.settings["vnet"] == "models.vnet(width=8)"
    assert "learning_rate: 0.0001" in facts.config and "fold:" not in facts.config
    assert list(facts.environment) == ["hardware", "torch", "this report"]
    assert facts.environment["torch"] == "2.13.0" and "scipy" in facts.environment["this report"]


@pytest.mark.slow
def test_a_report_of_the_same_runs_is_the_same_page(runs: Path, made: Report, tmp_path: Path):
    pages = [report([runs], tmp_path / day, provenance=Provenance("petmr report", "abc", day)) for day in ("1", "2")]
    first, second = (one.page.read_text() for one in pages)
    assert first != second
    assert first.replace(">1<", ">2<").replace("PET/MR · 1", "PET/MR · 2") == second
    for file in (path for path in (tmp_path / "1").rglob("*") if path.is_file() and path.name != "report.html"):
        assert file.read_bytes() == (tmp_path / "2" / file.relative_to(tmp_path / "1")).read_bytes(), file


def test_an_incomplete_grid_is_said_in_page_and_tables_and_not_ranked(
    runs: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(benchmark.report.write, "draw_all", sketch_all)
    shutil.copytree(runs, tmp_path / "runs")
    write_grid(tmp_path / "runs", [run.record for run in find_runs([runs])])
    shutil.rmtree(tmp_path / "runs/cross_fusion/fold-1-seed-0")
    made = report([tmp_path / "runs"], tmp_path / "report")
    remark = "1 of 6 runs are not counted: cross_fusion/fold-1-seed-0 (missing)"
    assert remark in made.page.read_text()
    for form in ("overall.md", "overall.tex", "structures.md"):
        assert "missing" in (tmp_path / "report/test/tables" / form).read_text()
    assert "| Cross fusion (Tang 2025) † | 0.9" in (tmp_path / "report/test/tables/overall.md").read_text()
    assert made.experiments[0].leader == "3D U-Net (Çiçek 2016)"


def test_an_incomplete_network_does_not_lead_and_is_not_ranked_beside_the_paper(runs: Path, tmp_path: Path):
    shutil.copytree(runs, tmp_path / "runs")
    write_grid(tmp_path / "runs", [run.record for run in find_runs([runs])])
    assert compute(gather([tmp_path / "runs"])[0]).leader == "cross_fusion"
    shutil.rmtree(tmp_path / "runs/cross_fusion/fold-1-seed-0")
    (evidence,) = gather([tmp_path / "runs"])
    found = compute(evidence)
    assert found.leader == "unet3d"
    dice = next(sheet for sheet in paper_sheets(evidence, found) if sheet.name == "paper_dice")
    assert "cross_fusion" in dice.rows
    assert dice.note.startswith("Fewer than three networks are complete, so rankings can't be compared. †")


def test_every_metric_of_table_1_is_tested_and_distances_rank_upwards(runs: Path):
    (evidence,) = gather([runs])
    found = compute(evidence)
    assert found.tested == ("dice", "jaccard", "sensitivity", "precision", "hausdorff_mm")
    for metric in found.tested:
        table = found.comparisons[metric].intervals.set_index("variant")
        assert table["mean_rank"].idxmin() == "cross_fusion", metric
        assert {f"tests_{metric}", f"intervals_{metric}"} <= {one.name for one in statistics_sheets(evidence, found)}
    written = found.files()
    assert set(written["tests"]["metric"]) == set(written["scores"]["metric"]) == set(found.comparisons)


def test_a_difference_that_no_test_could_find_is_said_to_lack_subjects(made: Report):
    assert "with 6 subjects and 3 networks a corrected p is at least 0.094" in made.experiments[0].answers["Ties"]


def test_agreement_is_told_of_every_network_in_the_structures_of_the_paper(runs: Path):
    (evidence,) = gather([runs])
    sheets = {sheet.name: sheet for sheet in consistency_sheets(evidence, compute(evidence))}
    names = {row.split(", ")[1] for row in sheets["consistency_volume_networks"].rows}
    assert names == {"Cross fusion (Tang 2025)", "3D U-Net (Çiçek 2016)", "V-Net (Milletari 2016)"}


def test_a_report_of_one_subject_says_what_it_can(tmp_path: Path):
    made = report([write_runs(tmp_path / "runs", cases_of(subjects=1, folds=1))], tmp_path / "report")
    assert made.experiments[0].sheets["agreement"] == ()


def test_an_external_cohort_that_one_network_was_tested_on_has_no_tests(tmp_path: Path):
    runs = write_runs(tmp_path / "runs", cases_of())
    for file in list(runs.glob("unet3d/*/cases.csv")):
        write_condition(file.parent, "there", pd.read_csv(file).assign(test_cohort="there"))
    (evidence,) = gather([runs])
    names = {sheet.name for sheet in statistics_sheets(evidence, compute(evidence))}
    assert "tests_dice" in names and "tests_external_there" not in names


def test_a_single_complete_network_is_not_ranked(runs: Path):
    (evidence,) = gather([runs / "vnet"])
    found = compute(evidence)
    assert not found.verdict.leader
    assert list(statistics_sheets(evidence, found)) == []


def test_without_its_cohort_a_report_has_no_pictures_and_says_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(benchmark.report.write, "draw_all", sketch_all)
    made = report([write_runs(tmp_path / "runs", cases_of())], tmp_path / "report")
    assert made.experiments[0].browser is None
    assert "isn't where the runs found it" in made.experiments[0].badge.lines["images"]
    assert made.experiments[0].facts.folds.statement.startswith("Not verified")


def test_noise_and_external_cases_beside_a_run_get_tables_of_their_own(tmp_path: Path):
    runs = write_runs(tmp_path / "runs", cases_of())
    for file in list(runs.glob("*/*/cases.csv")):
        cases = pd.read_csv(file)
        write_condition(file.parent, "noise", cases.assign(noise=0.2))
        moved = cases.assign(misaligned_mm=2.0, misaligned_degrees=0.0)
        write_condition(file.parent, "misaligned-2mm", moved)
        write_condition(file.parent, "elsewhere", cases.assign(test_cohort="elsewhere"))
    (evidence,) = gather([runs])
    found = compute(evidence)
    sheets = {sheet.name: sheet for sheet in main_sheets(evidence, found)}
    assert {"noise", "external_elsewhere"} <= set(sheets)
    assert [column.heading for column in sheets["misalignment"].columns[:2]] == ["none", "2mm"]
    assert "tests_external_elsewhere" in {sheet.name for sheet in statistics_sheets(evidence, found)}
    assert found.elsewhere["elsewhere"].tests.equals(found.dice.tests)  # the same cases, under another name


@pytest.mark.slow
def test_two_experiments_share_a_page(runs: Path, tmp_path: Path):
    write_runs(tmp_path / "fusion", cases_of().assign(experiment="fusion"))
    made = report([runs, tmp_path / "fusion"], tmp_path / "report")
    assert [one.name for one in made.experiments] == ["test", "fusion"]
    assert (tmp_path / "report/fusion/cases.csv").is_file()


def test_the_browser_gets_the_very_labels_and_images_in_few_greys(runs: Path):
    cohort = find_cohort(gather([runs])[0])
    assert cohort is not None
    scene = load_scene(cohort, "s1", {"vnet": RunFolder(next(runs.glob("vnet/*/predictions/s1_*")).parents[1])})
    subject = scene_data(scene, gather([runs])[0].cases)
    for name, labels in scene.label_maps.items():
        np.testing.assert_array_equal(unpack(subject["labels"][name], subject["shape"]), labels)
    assert unpack(subject["images"]["mr"], subject["shape"]).max() == GREYS - 1
    assert set(subject["dice"]) == {"cross_fusion", "unet3d", "vnet"}


def test_subjects_shown_are_the_worst_the_median_and_the_best():
    cases = cases_of(subjects=5)
    order = cases.groupby("subject")["dice"].mean().sort_values().index
    assert telling_subjects(cases) == (order[0], order[2], order[4])
    assert telling_subjects(cases_of(subjects=1)) == ("s000",)


def unpack(text: str, shape: list[int]) -> np.ndarray:
    return np.frombuffer(zlib.decompress(base64.b64decode(text)), np.uint8).reshape(shape, order="F")
