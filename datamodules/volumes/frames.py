"""Dynamic PET: the mean of the frames asked for, weighted by how long each lasted."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from nibabel.spatialimages import SpatialImage

from datamodules.volumes.grid import Array
from datamodules.volumes.sidecar import is_number, read_sidecar

TOLERANCE_S = 1.0
"""Frame starts may differ by this from what the durations add up to: sidecars round to seconds."""


@dataclass(frozen=True)
class Frames:
    """Frames `first` up to, not including, `last`, numbered from 0."""

    first: int
    last: int

    @classmethod
    def parse(cls, text: str) -> "Frames":
        """From `3:7`.

        Raises:
            ValueError: If the text isn't of that form, or names no frame.
        """
        found = re.fullmatch(r"(\d+):(\d+)", text)
        if not found or int(found[1]) >= int(found[2]):
            raise ValueError(f"Frames '{text}' aren't understood: write 3:7 for frames 3, 4, 5 and 6 (the first is 0).")
        return cls(int(found[1]), int(found[2]))

    def __str__(self) -> str:
        return f"{self.first}:{self.last}"


def average_frames(image: SpatialImage, path: Path, frames: Frames | None) -> Array:
    """The mean of some frames of a 4-D image, one frame in memory at a time.

    Returns:
        float32 `[X, Y, Z]`.

    Raises:
        ValueError: If no frames are asked for, they don't exist, or the sidecar lacks their durations.
    """
    count = image.shape[3]
    if frames is None:
        remedy = (
            f"Say which frames to average, such as --frames 0:{count}."
            if "FrameDuration" in read_sidecar(path)
            else "Keep the volume that is meant; a dynamic PET needs a sidecar (.json) with FrameDuration."
        )
        raise ValueError(f"{path}: holds {count} frames {image.shape}; expected three dimensions. {remedy}")
    if frames.last > count:
        raise ValueError(f"{path}: holds {count} frames, numbered 0 to {count - 1}; --frames {frames} reaches beyond.")
    weights = frame_weights(read_sidecar(path), count, path)[frames.first : frames.last]
    mean = np.zeros(image.shape[:3], np.float64)
    for frame, weight in enumerate(weights, frames.first):
        mean += (weight / sum(weights)) * np.asanyarray(image.dataobj[..., frame])
    return mean.astype(np.float32)


def frame_weights(sidecar: Mapping[str, Any], count: int, path: Path) -> Sequence[float]:
    """How long each frame lasted, in seconds.

    Raises:
        ValueError: If the sidecar doesn't say it for all frames.
    """
    durations = sidecar.get("FrameDuration")
    if (
        not isinstance(durations, list)
        or len(durations) != count
        or not all(is_number(one) and one > 0 for one in durations)
    ):
        raise ValueError(
            f"{path}: its sidecar's FrameDuration is {durations}; expected {count} durations in seconds, "
            "to weight the frames by. Complete the JSON file beside the image."
        )
    return durations


def starts_disagree(sidecar: Mapping[str, Any]) -> str:
    """Say where frame starts and durations contradict each other; empty where they don't, or aren't given."""
    starts, durations = sidecar.get("FrameTimesStart"), sidecar.get("FrameDuration")
    if not (isinstance(starts, list) and isinstance(durations, list)):
        return ""
    if not all(map(is_number, (*starts, *durations))):
        return f"The sidecar's FrameTimesStart or FrameDuration holds what is no number: {starts}, {durations}."
    if len(starts) != len(durations):
        return f"The sidecar has {len(starts)} FrameTimesStart and {len(durations)} FrameDuration."
    for frame, (start, duration, following) in enumerate(zip(starts, durations, starts[1:], strict=False)):
        if abs(start + duration - following) > TOLERANCE_S:
            return (
                f"By the sidecar frame {frame} starts at {start:g} s and lasts {duration:g} s, "
                f"but frame {frame + 1} starts at {following:g} s."
            )
    return ""
