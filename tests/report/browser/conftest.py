"""A report's page in a real browser, opened from disk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from builders.cases import cases_of
from builders.cohorts import make_cohort
from builders.runs import cases_on, write_predictions, write_runs
from builders.screens.browser import Page, available, chromium
from builders.screens.slice_browser import VIEWER

from benchmark.report.write import report

STRUCTURES = {1: ("White-Matter", 2), 2: ("Cortex", 3), 3: ("Thalamus", 10)}


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("page")
    cohort = make_cohort(folder, subjects=4)
    cases = cases_of(4, ("vnet", "cross_fusion", "unet3d"), skill={"cross_fusion": 0.9, "vnet": 0.5})
    names = cases["label"].map(STRUCTURES)
    cases = cases_on(cohort, cases.assign(structure=names.str[0], label=names.str[1]), folds=2)
    write_runs(folder / "runs", cases, cohort.path)
    write_predictions(folder / "runs", cohort, list(cohort.subjects))
    return report([folder / "runs"], folder / "report").page


@pytest.fixture(scope="session")
def browser() -> Iterator[Page]:
    if not available():
        pytest.skip("needs Debian's chromium and chromium-driver")
    with chromium() as page:
        yield page


@pytest.fixture
def page(browser: Page, file: Path) -> Iterator[Page]:
    """The page as it opens, which must not have logged anything at the end."""
    browser.screen(1300)
    browser.media()
    browser.open(file)
    browser.wait_for(f"document.querySelector('{VIEWER}').dataset.ready")
    yield browser
    assert browser.console() == []
