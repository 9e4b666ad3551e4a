import numpy as np
from scipy import ndimage

from datamodules.simulation.random_fields import resample_axis, smooth_field, upsample


def test_resampling_agrees_with_scipy_inside_and_beyond_the_ends():
    field = np.random.default_rng(0).standard_normal((3, 7, 4)).astype(np.float32)
    positions = np.array([-2.0, 0.0, 0.25, 3.5, 5.999, 6.0, 9.0])
    points = np.meshgrid(np.arange(3), positions, np.arange(4), indexing="ij")
    expected = ndimage.map_coordinates(field, points, order=1, mode="nearest")
    np.testing.assert_allclose(resample_axis(field, positions, 1), expected, atol=1e-6)


def test_an_axis_of_one_sample_is_repeated():
    np.testing.assert_array_equal(resample_axis(np.ones((1, 2), np.float32), np.array([0.0, 0.7]), 0), np.ones((2, 2)))


def test_upsampling_keeps_corners_and_leading_axes():
    field = np.random.default_rng(0).standard_normal((2, 3, 3, 3)).astype(np.float32)
    fine = upsample(field, (9, 5, 7))
    assert fine.shape == (2, 9, 5, 7)
    np.testing.assert_allclose(fine[:, ::8, ::4, ::6], field[:, ::2, ::2, ::2], atol=1e-6)


def test_a_smooth_field_has_the_deviation_asked_for():
    field = smooth_field(np.random.default_rng(0), 24, (96, 96, 96), 0.3)
    assert abs(field.std() - 0.3) < 0.01
