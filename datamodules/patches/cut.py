"""Cutting training patches: one gather and interpolation for all modalities and the label, on any device.

A processor cuts one patch after the other, which is faster there; elsewhere a whole batch is cut at once
(`datamodules.patches.together`). Both give the same patches.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import lru_cache

import torch
import torch.nn.functional as F
from torch import Tensor

from datamodules.patches.augmentation import Intensity, apply_intensity
from datamodules.patches.draws import PatchDraw, candidate_centres
from datamodules.patches.together import interpolate_together, nearest_together
from datamodules.patches.warp import Warp, columns_around, nearest

TRIES = 64  # voxels looked at for a centre: at 10 % foreground, 1 patch in 850 finds none and takes the first

Volumes = tuple[Tensor, Tensor]
"""Image `[M, X, Y, Z]`, any float type, and class indices, uint8 `[X, Y, Z]`; may be views of a memory map."""


def cut_patch(
    image: Tensor, label: Tensor, draw: PatchDraw, patch_size: Sequence[int], partners: Sequence[int] | None = None
) -> tuple[Tensor, Tensor]:
    """Cut what a draw describes out of one subject: `cut_patches` of one."""
    patches, labels = cut_patches(
        [(image, label)], [find_corner(label, draw, patch_size)], [draw], patch_size, partners
    )
    return patches[0], labels[0]


def cut_patches(
    subjects: Sequence[Volumes],
    corners: Sequence[Sequence[int]],
    draws: Sequence[PatchDraw],
    patch_size: Sequence[int],
    partners: Sequence[int] | None = None,
) -> tuple[Tensor, Tensor]:
    """Cut a batch of patches.

    Patches lie inside their volumes where those are large enough; what they reach for outside of them is 0. Intensities
    are interpolated linearly, labels taken from the nearest voxel.

    Args:
        subjects: The volumes of each patch, on one device.
        corners: Of each patch, by `find_corner`.
        draws: What is random about each.
        patch_size: `[D, H, W]` in voxels.
        partners: Class index of each class's mirror structure; needed where patches are mirrored.

    Returns:
        Images `[B, M, D, H, W]` in float32, and labels, uint8 `[B, D, H, W]`.

    Raises:
        ValueError: If image and label differ in shape, or a mirrored patch comes without partners.
    """
    for image, label in subjects:
        if image.shape[1:] != label.shape:
            raise ValueError(f"Image {tuple(image.shape[1:])} and label {tuple(label.shape)} must have the same shape.")
    images, labels = [image for image, _ in subjects], [label for _, label in subjects]
    warps = [
        Warp.of(draw, corner, patch_size, label.shape)
        for draw, corner, label in zip(draws, corners, labels, strict=True)
    ]
    one_by_one = images[0].device.type == "cpu"
    patches = (_interpolate if one_by_one else interpolate_together)(images, warps)
    classes = (_nearest if one_by_one else nearest_together)(labels, warps)
    for patch, own, draw in zip(patches, classes, draws, strict=True):
        if draw.mirror:
            own.copy_(_swap_sides(own, partners))
        if draw.intensity != Intensity():
            patch.copy_(apply_intensity(patch, draw.intensity))
    return patches, classes


def find_corner(label: Tensor, draw: PatchDraw, patch_size: Sequence[int]) -> tuple[int, ...]:
    """Lowest corner of a patch whose centre is a structure (or background) voxel, moved to lie inside the volume.

    Voxels drawn at random are tried in turn, so the cost does not depend on the size of the volume. A label on a device
    is read from there, which waits for the device: give the one that the store has.
    """
    centres = candidate_centres(draw.key, tuple(label.shape), TRIES)
    fits = (label[tuple(torch.from_numpy(centres.T).to(label.device))] > 0).cpu().numpy() == draw.positive
    centre = centres[int(fits.argmax())].tolist()
    return tuple(_inside(*sizes) for sizes in zip(centre, patch_size, label.shape, strict=True))


def _interpolate(images: Sequence[Tensor], warps: Sequence[Warp]) -> Tensor:
    """`[B, M, D, H, W]`: for each modality a sum of columns (`embedding_bag`), and a product with a banded matrix."""
    modalities, size = len(images[0]), warps[0].patch_size
    patches = torch.empty((len(warps), modalities, *size))
    with _exact_products():
        for image, warp, patch in zip(images, warps, patches, strict=True):
            volume = image[:, *warp.box].float().contiguous()
            columns, weights = columns_around(*warp.plane(image.device), warp.reach)
            along_z = (1 - (torch.arange(warp.reach[2])[:, None] - warp.line(image.device)).abs()).clamp_(min=0)
            for table, rows in zip(volume.flatten(1, 2), patch.flatten(1, 2), strict=True):
                torch.mm(F.embedding_bag(columns, table, mode="sum", per_sample_weights=weights), along_z, out=rows)
    return patches


def _nearest(labels: Sequence[Tensor], warps: Sequence[Warp]) -> Tensor:
    """`[B, D, H, W]`."""
    patches = torch.empty((len(warps), *warps[0].patch_size), dtype=torch.uint8)
    for label, warp, patch in zip(labels, warps, patches, strict=True):
        (x, inside_x), (y, inside_y), (z, inside_z) = (
            nearest(position, side)
            for position, side in zip((*warp.plane(label.device), warp.line(label.device)), warp.reach, strict=True)
        )
        columns = label[warp.box].reshape(-1, warp.reach[2]).index_select(0, x * warp.reach[1] + y)
        inside = (inside_x & inside_y)[:, None] * inside_z
        torch.mul(columns.index_select(1, z), inside, out=patch.flatten(0, 1))
    return patches


@contextmanager
def _exact_products() -> Iterator[None]:
    """Patches are the same whatever precision the products of the network have."""
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("highest")
    try:
        yield
    finally:
        torch.set_float32_matmul_precision(before)


def _inside(centre: int, side: int, length: int) -> int:
    """Start of a patch along one axis: inside the volume, or around the whole of it where it is the smaller."""
    if length < side:
        return -((side - length) // 2)
    return min(max(centre - side // 2, 0), length - side)


def _swap_sides(labels: Tensor, partners: Sequence[int] | None) -> Tensor:
    if partners is None:
        raise ValueError("A mirrored patch needs the partners of its classes: else left would be labelled as right.")
    return _lookup(tuple(partners), labels.device)[labels.long()]


@lru_cache(maxsize=4)
def _lookup(partners: tuple[int, ...], device: torch.device) -> Tensor:
    return torch.tensor(partners, dtype=torch.uint8, device=device)
