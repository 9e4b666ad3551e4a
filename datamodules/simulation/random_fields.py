"""Smooth random fields on regular grids, the same to the bit whatever the number of threads.

Everything is elementwise NumPy or single-threaded SciPy: BLAS and convolution libraries may sum in another order
when the number of threads changes.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

SPREAD_OF_LINEAR = (2 / 3) ** 1.5
"""Standard deviation that trilinear interpolation leaves of unit white noise: variance 2/3 an axis, mean over phase."""


def resample_axis(field: Floats, positions: NDArray[np.floating], axis: int) -> Floats:
    """Interpolate linearly along one axis at fractional indices; beyond the ends the border value holds."""
    last = field.shape[axis] - 1
    clipped = np.clip(positions, 0, last)
    lower = np.minimum(clipped.astype(np.intp), max(last - 1, 0))
    shape = [1] * field.ndim
    shape[axis] = -1
    weight = (clipped - lower).astype(np.float32).reshape(shape)
    resampled: Floats = np.take(field, lower, axis)
    step = np.take(field, np.minimum(lower + 1, last), axis)
    step -= resampled
    step *= weight
    resampled += step
    return resampled


def upsample(field: Floats, shape: Sequence[int]) -> Floats:
    """Interpolate the last axes of `field` linearly to `shape`, corner samples on corner samples."""
    for axis in range(-1, -len(shape) - 1, -1):  # first axis last: there the work is on contiguous planes
        if field.shape[axis] != shape[axis]:
            field = resample_axis(field, np.linspace(0, field.shape[axis] - 1, shape[axis]), axis)
    return field


def smooth_field(rng: np.random.Generator, knots: int, shape: Sequence[int], deviation: float) -> Floats:
    """Draw a field that varies over the distance of `knots` knots an axis, with the given standard deviation."""
    noise = rng.standard_normal((knots,) * len(shape), np.float32)
    return upsample(noise, shape) * np.float32(deviation / SPREAD_OF_LINEAR)
