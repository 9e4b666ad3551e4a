"""A report as large as the paper's data: 110 subjects, 45 classes, eleven networks, five folds, three seeds."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from builders.cases import cases_of
from builders.runs import cases_on, multiply, write_predictions, write_runs
from builders.screens.browser import available, chromium

from benchmark.figures.names import NETWORKS
from benchmark.figures.pictures.scenes import telling_subjects
from benchmark.report.page.gallery import worst_cells
from benchmark.statistics.consistency import first_seed
from datamodules.cohort.prepare import PrepareSettings, prepare
from datamodules.simulation.cohort import write_cohort
from datamodules.sources.find import find_subjects

pytestmark = [pytest.mark.slow, pytest.mark.timeout(3600)]

MEASURED = """
import json, resource, sys, time
from pathlib import Path
from benchmark.report.write import report
report([Path(sys.argv[1])], Path(sys.argv[2]))
print(json.dumps([time.process_time(), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20]))
"""


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("large")
    networks = [name for name in NETWORKS if not name.endswith("_l") and name != "mmformer"]
    write_cohort(folder / "source", subjects=1, size=200, spacing=1.0, seed=0)
    one = prepare(find_subjects(folder / "source"), folder / "one", PrepareSettings(protocol="aseg45"))
    cohort = multiply(one, folder / "cohort", 110)
    cases = cases_on(cohort, cases_of(110, networks, 44, 5, seeds=(0, 1, 2)), folds=5)
    cases = cases.assign(structure=cases["label"].map(dict(enumerate(cohort.protocol.names))))
    write_runs(folder / "runs", cases, cohort.path, epochs=250)
    failing = {failure.subject for failure in worst_cells(first_seed(cases), networks)}
    write_predictions(folder / "runs", cohort, [*telling_subjects(cases), *failing])
    return folder / "runs"


@pytest.fixture(scope="module")
def made(runs: Path) -> tuple[Path, float, float]:
    """The page, and the processor's seconds and GiB that it took; seconds of a clock count what else is running."""
    output = runs.parent / "report"
    command = [sys.executable, "-c", MEASURED, str(runs), str(output)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    seconds, gib = json.loads(done.stdout.splitlines()[-1])
    return output / "report.html", seconds, gib


def test_making_it_takes_under_2_minutes_and_2_gib(made: tuple[Path, float, float]):
    _, seconds, gib = made
    assert seconds < 120
    assert gib < 2


def test_its_page_is_under_15_mb(made: tuple[Path, float, float]):
    assert made[0].stat().st_size < 15e6


@pytest.mark.browser
@pytest.mark.skipif(not available(), reason="needs Debian's chromium and chromium-driver")
def test_its_page_loads_in_under_a_second(made: tuple[Path, float, float]):
    with chromium() as page:
        page.devtools("Performance.enable", timeDomain="threadTicks")
        page.open(made[0])
        told = {one["name"]: one["value"] for one in page.devtools("Performance.getMetrics")["metrics"]}
        assert told["ThreadTime"] < 1  # of the thread that shows the page, whatever else is running
        assert page.console() == []
