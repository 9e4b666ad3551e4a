"""The failure gallery: where each network fails worst, seen from close by."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from benchmark.figures.names import readable
from benchmark.figures.pictures.scenes import Scene
from benchmark.figures.pictures.slices import VIEWS
from benchmark.report.page.slice_browser import scene_data
from benchmark.scoring.absence import ABSENT
from datamodules.volumes.grid import Box, crop

EACH = 3
"""Failures of every network, of different structures."""

MARGIN_MM = 15.0
"""Shown around a structure."""

MOST = 40
"""Voxels along each side of a close-up."""

Load = Callable[[str, tuple[str, ...]], Scene]


@dataclass(frozen=True)
class Failure:
    """A cell of the table of cases that a network got wrong.

    Attributes:
        variant: The network.
        subject: Its id.
        structure: Name in the protocol.
        dice: Of the cell.
        status: As in the policy of absence: present, missed or spurious.
    """

    variant: str
    subject: str
    structure: str
    dice: float
    status: str


def worst_cells(cases: pd.DataFrame, variants: Iterable[str], each: int = EACH) -> tuple[Failure, ...]:
    """For each variant the cells of least Dice; of equal ones the largest structure, and of each structure the worst.

    Args:
        cases: One row per variant, subject and structure.
        variants: In order.
        each: How many of every variant.
    """
    counted = cases[cases["status"] != ABSENT.status].dropna(subset=["dice"])
    volume = counted[["truth_ml", "prediction_ml"]].max(axis=1) if "truth_ml" in counted else 0.0
    order = counted.assign(volume=volume).sort_values(["dice", "volume"], ascending=[True, False], kind="stable")
    worst = order.drop_duplicates(["variant", "structure"]).groupby("variant", sort=False).head(each)
    places = {name: place for place, name in enumerate(variants)}
    listed = worst.sort_values("variant", key=lambda names: names.map(places), kind="stable")
    columns = ["variant", "subject", "structure", "dice", "status"]
    return tuple(Failure(*row) for row in listed[columns].itertuples(index=False, name=None))


def close_ups(failures: Sequence[Failure], cases: pd.DataFrame, load: Load) -> list[dict[str, Any]]:
    """The data of every failure for the slice browser, in their order.

    Left out are those that no prediction is left of, and structures too small for the cohort's own voxels.

    Args:
        failures: Of `worst_cells`.
        cases: One row per variant, subject and structure.
        load: Gives a subject with the predictions of some variants.
    """
    made: dict[Failure, dict[str, Any]] = {}
    for subject in dict.fromkeys(one.subject for one in failures):
        own = [one for one in failures if one.subject == subject]
        scene = load(subject, tuple(dict.fromkeys(one.variant for one in own)))
        told = cases[cases["subject"] == subject]
        for one in own:
            structure = _voxels(scene, one)
            if structure.any():
                made[one] = _close_up(scene, one, structure, told)
    return [made[one] for one in failures if one in made]


def listed(close_ups: Sequence[Mapping[str, Any]], first: int) -> dict[str, list[dict[str, Any]]]:
    """Variant to its failures: the number of each scene of the slice browser, from `first` on, and what it shows."""
    failures: dict[str, list[dict[str, Any]]] = {}
    for number, scene in enumerate(close_ups, first):
        told = scene["failure"]
        score = "missed" if told["status"] == "missed" else f"Dice {told['dice']:.2f}".replace(" 0.", " .")
        text = f"{scene['subject']} · {told['name']} · {score}"
        failures.setdefault(told["network"], []).append({"scene": number, "text": text})
    return failures


def _voxels(scene: Scene, failure: Failure) -> NDArray[np.bool_]:
    """Where the structure is: in the truth, or where that has none in the prediction; nowhere without the latter."""
    if failure.variant not in scene.predictions:
        return np.zeros(scene.truth.shape, np.bool_)
    index = scene.protocol.names.index(failure.structure)
    truth = scene.truth == index
    return np.asarray(truth if truth.any() else scene.predictions[failure.variant] == index)


def _close_up(scene: Scene, failure: Failure, structure: NDArray[np.bool_], cases: pd.DataFrame) -> dict[str, Any]:
    box = _around(structure, scene.spacing)
    near = _cut(scene, failure.variant, box)
    data = scene_data(near, cases[cases["variant"] == failure.variant], MOST)
    view, at = _widest(crop(structure, box), scene.spacing)
    sides = zip(at, near.truth.shape, data["shape"], strict=True)
    told = {
        "network": failure.variant,
        "structure": scene.protocol.names.index(failure.structure),
        "name": readable(failure.structure),
        "dice": round(failure.dice, 4),
        "status": failure.status,
        "view": view,
        "at": [min(thin - 1, int((place + 0.5) * thin / side)) for place, side, thin in sides],
    }
    return {**data, "failure": told}


def _cut(scene: Scene, variant: str, box: Box) -> Scene:
    """A part of a scene with one prediction."""
    first = zip(scene.first_mm, box, scene.spacing, strict=True)
    x, y, z = (mm + begin * side for mm, (begin, _), side in first)
    return replace(
        scene,
        images={name: crop(image, box) for name, image in scene.images.items()},
        truth=crop(scene.truth, box),
        predictions={variant: crop(scene.predictions[variant], box)},
        first_mm=(x, y, z),
    )


def _around(structure: NDArray[np.bool_], spacing: Sequence[float]) -> Box:
    """The box of a structure with a margin."""
    sides = [_along(np.flatnonzero(structure.any(axis=_others(axis))), axis, structure, spacing) for axis in range(3)]
    x, y, z = sides
    return x, y, z


def _along(
    places: NDArray[np.intp], axis: int, structure: NDArray[np.bool_], spacing: Sequence[float]
) -> tuple[int, int]:
    margin = round(MARGIN_MM / spacing[axis])
    return max(0, int(places[0]) - margin), min(structure.shape[axis], int(places[-1]) + 1 + margin)


def _widest(structure: NDArray[np.bool_], spacing: Sequence[float]) -> tuple[str, list[int]]:
    """The view with the slice that shows most of a structure, and the voxel of the structure nearest to its middle."""
    areas = {view: structure.sum(axis=_others(axis)) / spacing[axis] for view, axis in VIEWS.items()}
    view = max(areas, key=lambda name: float(areas[name].max()))
    place = int(areas[view].argmax())
    shown = np.argwhere(np.take(structure, place, axis=VIEWS[view]))
    from_middle = np.abs(shown - np.median(shown, axis=0)).sum(axis=1)  # which may lie between two halves
    at = shown[from_middle.argmin()].tolist()
    at.insert(VIEWS[view], place)
    return view, at


def _others(axis: int) -> tuple[int, ...]:
    return tuple(other for other in range(3) if other != axis)
