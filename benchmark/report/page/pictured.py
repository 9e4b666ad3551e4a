"""Which subjects the page shows: the worst, the median and the best one, and where each network fails."""

from collections.abc import Mapping
from typing import Any

from benchmark.figures.pictures.scenes import Scene, load_scene, telling_subjects
from benchmark.report.page.gallery import close_ups, listed, worst_cells
from benchmark.report.page.slice_browser import browser_data, scene_data
from benchmark.runs.evidence import Evidence
from benchmark.runs.folder import RunFolder
from benchmark.statistics.consistency import first_seed
from benchmark.statistics.tables import internal
from datamodules.cohort.store import Cohort


def pictured(evidence: Evidence, cohort: Cohort, names: Mapping[str, str]) -> tuple[dict[str, Any], Scene]:
    """The data of the slice browser, and the median subject for figures; of several seeds the first.

    Args:
        evidence: Whose predictions are shown.
        cohort: Whose subjects these are.
        names: Variant to its name for print, in order.
    """
    counted = evidence.reading.counted(internal(evidence.cases))
    subjects, cases = telling_subjects(counted), first_seed(counted)
    whole, middle = [], None
    for place, subject in enumerate(subjects):
        scene = load_scene(cohort, subject, testers(evidence, subject))
        whole.append(scene_data(scene, cases[cases["subject"] == subject]))
        middle = scene if place == len(subjects) // 2 else middle
    assert middle is not None, "a run that counts has tested a subject"

    def load(subject: str, variants: tuple[str, ...]) -> Scene:
        runs = testers(evidence, subject)
        return load_scene(cohort, subject, {variant: runs[variant] for variant in variants})

    failures = close_ups(worst_cells(cases, names), cases, load)
    data = browser_data(cohort.protocol, [*whole, *failures])
    return {**data, "names": dict(names), "failures": listed(failures, len(whole))}, middle


def testers(evidence: Evidence, subject: str) -> dict[str, RunFolder]:
    """For every variant the run that tested a subject, of several seeds the first."""
    cases = internal(evidence.cases)
    tested = cases.loc[cases["subject"] == subject, ["variant", "fold", "seed"]].drop_duplicates().sort_values("seed")
    first = tested.drop_duplicates("variant").set_index("variant")
    places = {variant: (first.loc[variant, "fold"], first.loc[variant, "seed"]) for variant in first.index}
    return {
        run.record.variant: run.folder
        for run in evidence.runs
        if places.get(run.record.variant) == (run.record.fold, run.record.seed)
    }
