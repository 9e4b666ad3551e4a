from itertools import permutations, product

import numpy as np
import pytest

from datamodules.volumes.grid import Grid, bounding_box, crop, enclosing, from_ras, ras_grid, to_ras, uncrop


def grids():
    for order, signs in product(permutations(range(3)), product((1, -1), repeat=3)):
        affine = np.eye(4)
        affine[:3, :3] = 0
        for axis, target in enumerate(order):
            affine[target, axis] = signs[axis] * (axis + 1)
        yield Grid.of((3, 4, 5), affine)


@pytest.mark.parametrize("grid", grids())
def test_every_orientation_returns_to_its_own_axes(grid):
    volume = np.arange(60).reshape(3, 4, 5)
    turned, ras = to_ras(volume, grid)
    assert ras == ras_grid(grid)
    assert turned.shape == ras.shape
    assert np.all(np.diag(ras.matrix)[:3] > 0)
    np.testing.assert_array_equal(from_ras(turned, grid), volume)


def test_a_voxel_keeps_its_place_in_scanner_space():
    grid = Grid.of((3, 4, 5), np.array([[0, -2.0, 0, 7], [0, 0, 3, -1], [-1, 0, 0, 5], [0, 0, 0, 1]]))
    volume = np.zeros((3, 4, 5))
    volume[1, 2, 3] = 1
    turned, ras = to_ras(volume, grid)
    np.testing.assert_allclose(ras.matrix @ [*np.argwhere(turned)[0], 1], grid.matrix @ [1, 2, 3, 1])


def test_float_noise_in_the_affine_is_the_same_grid_but_half_a_voxel_is_not():
    affine = np.diag([1.0, 1, 2, 1])
    grid = Grid.of((64, 64, 32), affine)
    noisy, shifted = affine.copy(), affine.copy()
    noisy[:3, :3] += 1e-6
    shifted[0, 3] += 0.5
    assert grid.coincides(Grid.of((64, 64, 32), noisy))
    assert not grid.coincides(Grid.of((64, 64, 32), shifted))
    assert not grid.coincides(Grid.of((64, 64, 31), affine))


def test_uncrop_puts_a_crop_back():
    volume = np.zeros((6, 7, 8), np.uint8)
    volume[2:4, 3, 4:7] = 5
    box = bounding_box(volume > 0)
    assert box == ((2, 4), (3, 4), (4, 7))
    np.testing.assert_array_equal(uncrop(crop(volume, box), box, volume.shape), volume)
    assert bounding_box(volume > 0, margin=3) == ((0, 6), (0, 7), (1, 8))
    assert bounding_box(volume > 9) is None


def test_a_few_bright_voxels_of_noise_do_not_widen_the_box():
    mask = np.zeros((10, 10, 10), bool)
    mask[3:7, 2:9, 4:6] = True
    mask[0, 0, 0] = mask[9, 9, 9] = True
    assert bounding_box(mask, share=0.02) == ((3, 7), (2, 9), (4, 6))
    assert enclosing([((3, 7), (2, 9), (4, 6)), ((1, 4), (3, 5), (5, 9))]) == ((1, 7), (2, 9), (4, 9))
