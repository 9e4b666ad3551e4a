import json

import numpy as np
import pytest
from builders.cohorts import save

from datamodules.volumes.frames import Frames, starts_disagree
from datamodules.volumes.read import read_volume

VOLUMES = np.arange(4, dtype=np.float32) * np.ones((3, 3, 3, 1), np.float32)


def dynamic(tmp_path, **sidecar):
    (tmp_path / "pet.json").write_text(json.dumps(sidecar))
    return save(tmp_path / "pet.nii.gz", VOLUMES)


def test_frames_are_averaged_by_how_long_they_lasted(tmp_path):
    path = dynamic(tmp_path, FrameDuration=[10, 20, 60, 5])
    volume, grid = read_volume(path, Frames.parse("1:3"))
    assert grid.shape == volume.shape == (3, 3, 3)
    np.testing.assert_allclose(volume, (1 * 20 + 2 * 60) / 80)


@pytest.mark.parametrize("durations", [None, [1, 2], [1, 2, 3, 0], [1, 2, 3, float("inf")], ["1"] * 4, "60"])
def test_frames_without_a_duration_each_are_refused(tmp_path, durations):
    with pytest.raises(ValueError, match="expected 4 durations"):
        read_volume(dynamic(tmp_path, FrameDuration=durations), Frames(0, 2))


def test_frames_that_do_not_exist_are_refused(tmp_path):
    with pytest.raises(ValueError, match="numbered 0 to 3; --frames 2:5 reaches beyond"):
        read_volume(dynamic(tmp_path, FrameDuration=[1, 1, 1, 1]), Frames(2, 5))


@pytest.mark.parametrize("text", ["", "3", "5:5", "a:b", "-1:2"])
def test_frames_that_make_no_sense_are_refused(text):
    with pytest.raises(ValueError, match="aren't understood"):
        Frames.parse(text)


def test_starts_that_follow_from_the_durations_agree():
    assert not starts_disagree({"FrameTimesStart": [0, 10, 30.4], "FrameDuration": [10, 20, 60]})
    assert not starts_disagree({"FrameDuration": [10]})
    assert "frame 1 starts at 15 s" in starts_disagree({"FrameTimesStart": [0, 15], "FrameDuration": [10, 20]})
    assert "3 FrameTimesStart and 2 FrameDuration" in starts_disagree(
        {"FrameTimesStart": [0, 1, 2], "FrameDuration": [1, 1]}
    )
    assert "no number" in starts_disagree({"FrameTimesStart": [0, 1], "FrameDuration": ["a", 1]})
