"""Where networks fail."""

import base64
import zlib
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from builders.cases import cases_of, with_lost_structure
from builders.scenes import scene

from benchmark.figures.pictures.scenes import Scene
from benchmark.report.page.gallery import MOST, Failure, close_ups, listed, worst_cells
from benchmark.report.page.slice_browser import scene_data

PUTAMEN = "Left-Putamen"


def cases() -> pd.DataFrame:
    return pd.DataFrame({"variant": ["net0"], "subject": ["s1"], "structure": [PUTAMEN], "dice": [0.25]})


def failure(structure: str = PUTAMEN) -> Failure:
    return Failure("net0", "s1", structure, 0.25, "present")


def test_the_worst_cells_of_a_network_are_of_different_structures_and_the_larger_first():
    table = with_lost_structure(cases_of(subjects=4, structures=5), "unet3d", label=3)
    worst = worst_cells(table, ("cross_fusion", "unet3d"), each=2)
    assert [one.variant for one in worst] == ["cross_fusion"] * 2 + ["unet3d"] * 2
    lost = worst[2]
    assert (lost.structure, lost.dice, lost.status) == ("Structure-02", 0, "missed")
    volumes = table[(table["variant"] == "unet3d") & (table["structure"] == "Structure-02")].set_index("subject")
    assert lost.subject == volumes["truth_ml"].idxmax()
    assert len({one.structure for one in worst[2:]}) == 2


def test_a_close_up_shows_the_structure_in_its_widest_slice_with_its_errors():
    (near,) = close_ups([failure()], cases(), lambda subject, variants: scene())
    told, (width, height, depth) = near["failure"], near["shape"]
    truth = np.frombuffer(zlib.decompress(base64.b64decode(near["labels"]["truth"])), np.uint8)
    at = told["at"]
    assert truth.reshape(near["shape"], order="F")[tuple(at)] == told["structure"]
    assert max(width, height, depth) <= MOST
    assert set(near["labels"]) == {"truth", "net0"} and near["dice"] == {"net0": {"Left Putamen": 0.25}}


def test_the_cross_of_a_close_up_lies_in_a_structure_of_two_halves():
    whole = scene()
    label = whole.protocol.names.index(PUTAMEN)
    truth = np.where(whole.truth == label, 0, whole.truth)
    truth[1:7, 10:12, 4:6] = truth[13:19, 10:12, 4:6] = label
    (near,) = close_ups([failure()], cases(), lambda subject, variants: replace(whole, truth=truth))
    shown = np.frombuffer(zlib.decompress(base64.b64decode(near["labels"]["truth"])), np.uint8)
    assert shown.reshape(near["shape"], order="F")[tuple(near["failure"]["at"])] == label


def test_millimetres_of_a_close_up_are_those_of_the_whole():
    """A voxel keeps its place however much is cut away around it."""
    whole = scene()
    (near,) = close_ups([failure()], cases(), lambda subject, variants: whole)
    data = scene_data(whole, cases())
    assert data["first"] == pytest.approx(whole.first_mm, abs=max(whole.spacing))
    label = whole.protocol.names.index(PUTAMEN)
    for part in (data, near):
        volume = np.frombuffer(zlib.decompress(base64.b64decode(part["labels"]["truth"])), np.uint8)
        inside = np.argwhere(volume.reshape(part["shape"], order="F") == label)
        middle = np.array(part["first"]) + inside.mean(axis=0) * part["spacing"]
        place = np.argwhere(whole.truth == label).mean(axis=0) * whole.spacing + whole.first_mm
        np.testing.assert_allclose(middle, place, atol=0.5 * max(whole.spacing))


def test_a_failure_without_a_prediction_or_a_voxel_is_left_out():
    def without(subject: str, variants: tuple[str, ...]) -> Scene:
        return replace(scene(), predictions={})

    assert close_ups([failure()], cases(), without) == []
    assert close_ups([failure("Right-Putamen")], cases(), lambda subject, variants: scene()) == []


def test_what_the_gallery_says_of_a_failure():
    near = {"subject": "s1", "failure": {"network": "net0", "name": "Left Putamen", "dice": 0.25, "status": "present"}}
    gone = {"subject": "s2", "failure": {**near["failure"], "dice": 0.0, "status": "missed"}}
    told = listed([near, gone], first=3)
    assert told == {
        "net0": [
            {"scene": 3, "text": "s1 · Left Putamen · Dice .25"},
            {"scene": 4, "text": "s2 · Left Putamen · missed"},
        ]
    }
