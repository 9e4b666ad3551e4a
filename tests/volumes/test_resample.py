import nibabel as nib
import numpy as np
import pytest
from nibabel.processing import resample_from_to
from scipy.spatial.transform import Rotation

from datamodules.volumes.grid import Grid, ras_grid
from datamodules.volumes.resample import field_of_view, resample, with_spacing


def oblique(spacing, degrees, origin, axes=(1, 1, 1)) -> np.ndarray:
    affine = np.eye(4)
    affine[:3, :3] = Rotation.from_euler("xyz", degrees, degrees=True).as_matrix() @ np.diag(np.multiply(spacing, axes))
    affine[:3, 3] = origin
    return affine


def grids():
    return (
        Grid.of((20, 24, 18), oblique((1.0, 1.2, 2.0), (10, -20, 5), (3, -8, 2))),
        Grid.of((17, 16, 22), oblique((1.5, 1.5, 1.0), (-5, 8, 30), (26, -6, 26), axes=(-1, 1, -1))),
    )


@pytest.mark.parametrize("order", [0, 1])
def test_inside_the_field_of_view_it_agrees_with_nibabel(order):
    source, target = grids()
    volume = np.random.default_rng(0).normal(size=source.shape).astype(np.float32)
    ours = resample(volume, source, target, order=order, outside=np.nan)
    image = nib.Nifti1Image(volume, source.matrix)
    theirs = resample_from_to(image, (target.shape, target.matrix), order=order, cval=np.nan).get_fdata()
    both = np.isfinite(theirs)
    assert both.mean() > 0.1
    np.testing.assert_allclose(ours[both], theirs[both], atol=1e-5)


def test_a_linear_ramp_in_space_stays_that_ramp_on_any_grid():
    source, target = grids()

    def ramp(grid):
        x, y, z = nib.affines.apply_affine(grid.matrix, np.moveaxis(np.indices(grid.shape), 0, -1)).transpose(
            3, 0, 1, 2
        )
        return 2 * x - y + 0.5 * z

    placed = resample(ramp(source), source, target, order=1, outside=np.nan)
    inner = field_of_view(source, target) & np.isfinite(placed)
    position = nib.affines.apply_affine(
        np.linalg.inv(source.matrix) @ target.matrix, np.moveaxis(np.indices(target.shape), 0, -1)
    )
    inner &= ((position >= 0) & (position <= np.array(source.shape) - 1)).all(axis=-1)
    assert inner.sum() > 500
    np.testing.assert_allclose(placed[inner], ramp(target)[inner], atol=1e-9)


def test_turning_the_axes_alone_changes_no_voxel():
    volume = np.random.default_rng(0).normal(size=(4, 5, 6))
    source = Grid.of((4, 5, 6), np.array([[0, 0, -1.0, 3], [-1, 0, 0, 2], [0, 1, 0, 1], [0, 0, 0, 1]]))
    there = resample(volume, source, ras_grid(source), order=1)
    assert sorted(there.ravel()) == sorted(volume.ravel())


def test_the_field_of_view_reaches_half_a_voxel_beyond_the_outer_centres():
    coarse, fine = Grid.of((2, 2, 2), np.diag([2.0, 2, 2, 1])), Grid.of((8, 4, 4), np.diag([1.0, 1, 1, 1]))
    assert field_of_view(coarse, fine)[:, 0, 0].tolist() == [True] * 4 + [False] * 4
    assert resample(np.ones((2, 2, 2)), coarse, fine, order=1)[:, 0, 0].tolist() == [1, 1, 1, 1, 0, 0, 0, 0]


def test_new_spacing_keeps_middle_axes_and_at_least_the_field_of_view():
    grid = grids()[0]
    new = with_spacing(grid, (1.5, 1.5, 1.5))
    np.testing.assert_allclose(new.spacing, 1.5)
    for one in (grid, new):
        middle = one.matrix @ [*((np.array(one.shape) - 1) / 2), 1]
        np.testing.assert_allclose(middle, grid.matrix @ [*((np.array(grid.shape) - 1) / 2), 1])
    assert (np.array(new.shape) * 1.5 >= np.array(grid.shape) * grid.spacing - 0.01).all()
