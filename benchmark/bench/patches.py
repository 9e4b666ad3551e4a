"""Training patches against the authors' MONAI pipeline: same volumes, same transforms, CPU-seconds per patch."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter, process_time
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmark.bench.measuring import Begin, Cost, comparison, fresh_peak_mib, in_fresh_process, peak_mib, silently
from datamodules.patches.augmentation import Augmentation
from datamodules.patches.cut import cut_patch, find_corner
from datamodules.patches.draws import PATCHES_PER_SUBJECT, PatchDraw, PatchKey, draw_patch

PET_RANGE, MR_RANGE = 137_919.0, 255.0  # the authors' ends of the intensity scales
KEYS = ("pet", "mr", "label")

Case = dict[str, Any]
Subject = tuple[Tensor, Tensor]


def bench(
    side: int = 256, patch_side: int = 96, subjects: int = 10, visits: int = 10, begin: Begin = silently
) -> dict[str, Case]:
    """Compare with everything cached, and with a tenth of the subjects.

    Costs are per patch; peak memory holds the cache. Ours maps the files of a subject anew for each patch, in both
    cases; mapped pages count.

    Args:
        side: Of the volumes, in voxels.
        patch_side: Of the patches, in voxels.
        subjects: In the cohort.
        visits: Of a subject, two patches each, that are timed.
        begin: Told each step before it is taken.
    """
    size = (patch_side, patch_side, patch_side)
    with TemporaryDirectory() as folder:
        begin("a cohort to cut from")
        in_fresh_process(_write_cohort, Path(folder), side, subjects)
        begin("the difference between ours and MONAI's")
        difference = in_fresh_process(_largest_difference, Path(folder), size)
        begin("our patches")
        ours = in_fresh_process(_ours, Path(folder), size, visits)
        cases = {}
        for name, cache_rate in (("everything cached", 1.0), ("a tenth cached", 0.1)):
            begin(f"MONAI's patches, {name}")
            peer = in_fresh_process(_monai, Path(folder), size, visits, cache_rate)
            cases[name] = comparison(ours, peer, difference)
        if torch.cuda.is_available():
            cases["cohort on the GPU"] = in_fresh_process(_on_gpu, Path(folder), size)
    return cases


def _ours(folder: Path, size: Sequence[int], visits: int) -> Cost:
    before, subjects = fresh_peak_mib(), len(_files(folder))
    patches = visits * PATCHES_PER_SUBJECT
    keys = [PatchKey(seed=0, epoch=0, index=index) for index in range(patches + 1)]
    _mapped_patch(folder, subjects, keys.pop(), size)  # the first call prepares libraries
    start = process_time()
    for key in keys:
        _mapped_patch(folder, subjects, key, size)
    return Cost((process_time() - start) / patches, peak_mib() - before)


def _mapped_patch(folder: Path, subjects: int, key: PatchKey, size: Sequence[int]) -> Subject:
    draw = draw_patch(key, subjects, Augmentation())
    return cut_patch(*_open(folder, draw.subject), draw, size)


def _monai(folder: Path, size: Sequence[int], visits: int, cache_rate: float) -> Cost:
    from monai.data import CacheDataset
    from monai.transforms import Compose

    transforms = Compose([*_fixed_transforms(), *_random_transforms(size)])
    transforms.set_random_state(0)
    before = fresh_peak_mib()
    data = CacheDataset(_files(folder), transforms, cache_rate=cache_rate, num_workers=None, progress=False)
    data[0]  # the first call prepares libraries
    start = process_time()
    for visit in range(visits):
        data[visit % len(data)]
    return Cost((process_time() - start) / (visits * PATCHES_PER_SUBJECT), peak_mib() - before)


def _on_gpu(folder: Path, size: Sequence[int], patches: int = 500) -> Case:
    """The same cut from volumes that live on the GPU: wall clock, as no processor time is spent there."""
    stored = (_open(folder, subject) for subject in range(len(_files(folder))))
    cohort = [(image.cuda(), label.cuda()) for image, label in stored]
    draws = [draw_patch(PatchKey(0, 0, index), len(cohort), Augmentation()) for index in range(patches)]
    cut_patch(*cohort[0], draws[0], size)
    torch.cuda.synchronize()
    start = perf_counter()
    for draw in draws:
        cut_patch(*cohort[draw.subject], draw, size)
    torch.cuda.synchronize()
    return {"ours": {"patches_per_second": patches / (perf_counter() - start)}}


def _largest_difference(folder: Path, size: Sequence[int], patches: int = 4) -> float:
    """Our patch of the half-precision store against MONAI's affine of its own volume, given the same parameters."""
    from monai.transforms import Affine, Compose

    volumes = Compose(_fixed_transforms())(_files(folder)[0])
    scaled = torch.cat([torch.as_tensor(volumes[name]) for name in ("pet", "mr")])
    stored = _open(folder, 0)
    differences = []
    for index in range(patches):
        draw = draw_patch(PatchKey(0, 0, index), 1, Augmentation(shift=0))
        patch, _ = cut_patch(*stored, draw, size)
        surrounded, inner = _surroundings(scaled, stored[1], draw, size)
        affine = Affine((0, 0, draw.angle), scale_params=draw.scales, mode="bilinear", padding_mode="zeros")
        expected = torch.as_tensor(affine(surrounded)[0])[:, *inner]
        differences.append((patch - expected).abs().max().item())
    return max(differences)


def _surroundings(image: Tensor, label: Tensor, draw: PatchDraw, size: Sequence[int]) -> tuple[Tensor, list[slice]]:
    """The patch with a margin into which the warp may reach, and where the patch lies in it."""
    margin = max(size) // 2
    padded = torch.nn.functional.pad(image, [margin] * 6)
    corner = find_corner(label, draw, size)
    around = [slice(start, start + side + 2 * margin) for start, side in zip(corner, size, strict=True)]
    return padded[:, *around], [slice(margin, margin + side) for side in size]


def _fixed_transforms() -> list[Any]:
    """What the authors do to every subject in the same way, so what a cache can hold."""
    from monai.transforms import (
        CropForegroundd,
        EnsureChannelFirstd,
        LoadImaged,
        Orientationd,
        ScaleIntensityRanged,
    )

    return [
        LoadImaged(KEYS),
        EnsureChannelFirstd(KEYS),
        Orientationd(KEYS, axcodes="RAS", labels=None),
        ScaleIntensityRanged("pet", a_min=0, a_max=PET_RANGE, b_min=0, b_max=1, clip=True),
        ScaleIntensityRanged("mr", a_min=0, a_max=MR_RANGE, b_min=0, b_max=1, clip=True),
        CropForegroundd(KEYS, source_key="mr", allow_smaller=True),
    ]


def _random_transforms(size: Sequence[int]) -> list[Any]:
    from monai.transforms import RandAffined, RandCropByPosNegLabeld, RandShiftIntensityd

    return [
        RandCropByPosNegLabeld(
            KEYS, "label", size, pos=1, neg=1, num_samples=PATCHES_PER_SUBJECT, image_key="mr", image_threshold=0
        ),
        RandShiftIntensityd(KEYS[:2], offsets=0.1, prob=0.5),
        RandAffined(
            KEYS,
            prob=1.0,
            spatial_size=size,
            rotate_range=(0, 0, np.pi / 15),
            scale_range=(0.1, 0.1, 0.1),
            mode=("bilinear", "bilinear", "nearest"),
        ),
    ]


def _write_cohort(folder: Path, side: int, subjects: int) -> None:
    """Write one head, and list it as often as there are subjects: every pipeline reads it anew each time.

    The store is made of what MONAI's own transforms give, so both pipelines start from the same volumes.
    """
    import nibabel as nib
    from monai.transforms import Compose

    files = {}
    for name, volume in zip(KEYS, _head(side), strict=True):
        files[name] = str(folder / f"{name}.nii.gz")
        nib.save(nib.Nifti1Image(volume, np.eye(4)), files[name])
    volumes = Compose(_fixed_transforms())(files)
    for subject in range(subjects):
        image = np.concatenate([volumes["pet"].numpy(), volumes["mr"].numpy()]).astype(np.float16)
        np.save(folder / f"{subject}-image.npy", image)
        np.save(folder / f"{subject}-label.npy", volumes["label"].numpy()[0].astype(np.uint8))


def _head(side: int) -> Iterator[np.ndarray[Any, Any]]:
    """A PET, an MR and a label whose structures are shells of an ellipsoid that fills a sixth of the volume."""
    noise = np.random.default_rng(0)
    axes = np.ogrid[-1 : 1 : side * 1j, -1 : 1 : side * 1j, -1 : 1 : side * 1j]
    radius = np.sqrt(sum((axis / half) ** 2 for axis, half in zip(axes, (0.6, 0.8, 0.65), strict=True)))
    brain, head = radius < 1, radius < 1.25
    label = np.where(brain, 1 + (radius * 44).astype(np.int16), 0)
    for top in (PET_RANGE / 2, MR_RANGE / 2):
        yield (top * head * (0.5 + 0.02 * (label % 7) + 0.05 * noise.random(head.shape))).astype(np.float32).round()
    yield label.astype(np.uint8)


def _files(folder: Path) -> list[dict[str, str]]:
    subjects = len(list(folder.glob("*-label.npy")))
    return [{name: str(folder / f"{name}.nii.gz") for name in KEYS} for _ in range(subjects)]


def _open(folder: Path, subject: int) -> Subject:
    image, label = (np.load(folder / f"{subject}-{kind}.npy", mmap_mode="c") for kind in ("image", "label"))
    return torch.from_numpy(image), torch.from_numpy(label)
