from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from monai.transforms import Affine
from torch import Tensor

from datamodules.patches.augmentation import Augmentation, Intensity
from datamodules.patches.cut import _interpolate, _nearest, cut_patch, cut_patches, find_corner
from datamodules.patches.draws import PatchDraw, PatchKey, draw_patch
from datamodules.patches.together import interpolate_together, nearest_together
from datamodules.patches.warp import Warp

SIZE = (12, 13, 14)
PARTNERS = (0, 2, 1, 3, 4)
PLAIN = PatchDraw(PatchKey(0, 0, 0), subject=0)


def subject(*shape: int, seed: int = 0) -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    image = torch.rand((2, *shape), generator=generator)
    return image, torch.randint(0, 5, shape, generator=generator, dtype=torch.uint8)


def warped_by_monai(image: Tensor, label: Tensor, draw: PatchDraw, corner: tuple[int, ...]) -> tuple[Tensor, Tensor]:
    """The same transform of the zero-padded volume, around the middle of the same patch."""
    margin = max(image.shape[1:])
    padded = [torch.nn.functional.pad(volume.float(), [margin] * 6) for volume in (image, label[None])]
    window = [
        slice(start + margin - margin // 2, start + margin + side + margin // 2)
        for start, side in zip(corner, SIZE, strict=True)
    ]
    inner = [slice(margin // 2, margin // 2 + side) for side in SIZE]
    outcomes = []
    for volume, mode in zip(padded, ("bilinear", "nearest"), strict=True):
        transform = Affine((0, 0, draw.angle), scale_params=draw.scales, mode=mode, padding_mode="zeros")
        outcomes.append(torch.as_tensor(transform(volume[:, *window])[0])[:, *inner])
    return outcomes[0], outcomes[1][0].to(torch.uint8)


@settings(deadline=None, max_examples=30)
@given(
    index=st.integers(0, 10**6),
    shape=st.tuples(*[st.integers(8, 40)] * 3),
    rotation=st.sampled_from([0.0, 0.2, 1.5]),
)
def test_a_patch_is_monais_affine_of_the_volume(index, shape, rotation):
    image, label = subject(*shape)
    draw = draw_patch(PatchKey(0, 0, index), 1, Augmentation(rotation=rotation, shift=0))
    patch, labels = cut_patch(image, label, draw, SIZE)
    expected, expected_labels = warped_by_monai(image, label, draw, find_corner(label, draw, SIZE))
    torch.testing.assert_close(patch, expected, atol=2e-5, rtol=0)
    assert (labels != expected_labels).float().mean() < 1e-3  # positions half-way between two voxels


def test_without_augmentation_a_patch_is_a_copy():
    image, label = subject(20, 21, 22)
    draw = draw_patch(PatchKey(0, 0, 3), 1, Augmentation(rotation=0, scaling=0, shift=0))
    patch, labels = cut_patch(image, label, draw, SIZE)
    box = [slice(start, start + side) for start, side in zip(find_corner(label, draw, SIZE), SIZE, strict=True)]
    assert torch.equal(patch, image[:, *box])
    assert torch.equal(labels, label[tuple(box)])


def test_a_volume_smaller_than_the_patch_lies_in_its_middle_among_zeros():
    image, label = subject(12, 6, 5)
    patch, labels = cut_patch(image, label, PLAIN, SIZE)
    assert torch.equal(patch[:, :, 3:9, 4:9], image)
    assert torch.equal(labels[:, 3:9, 4:9], label)
    assert patch.sum().item() == pytest.approx(image.sum().item(), rel=1e-5)
    assert labels.sum() == label.sum()


def test_centres_are_positive_or_negative_as_drawn():
    label = torch.zeros(40, 40, 40, dtype=torch.uint8)
    label[10:25, 12:30, 15:28] = 3
    for index in range(50):
        for positive in (True, False):
            draw = replace(PLAIN, key=PatchKey(0, 0, index), positive=positive)
            corner = find_corner(label, draw, (1, 1, 1))
            assert (label[corner] > 0) == positive


def test_a_label_without_structures_still_gives_patches():
    image, label = subject(20, 20, 20)
    patch, labels = cut_patch(image, torch.zeros_like(label), PLAIN, SIZE)
    assert patch.any() and not labels.any()


def test_mirroring_exchanges_left_and_right_in_image_and_meaning():
    image, label = subject(20, 21, 22)
    partners = (0, 2, 1, 3, 4)
    plain, labels = cut_patch(image, label, PLAIN, SIZE)
    mirrored, swapped = cut_patch(image, label, replace(PLAIN, mirror=True), SIZE, partners)
    assert torch.equal(mirrored, plain.flip(1))
    assert torch.equal(swapped, torch.tensor(partners, dtype=torch.uint8)[labels.flip(0).long()])


def test_mirroring_without_partners_is_refused():
    with pytest.raises(ValueError, match="partners"):
        cut_patch(*subject(20, 20, 20), replace(PLAIN, mirror=True), SIZE)


def test_image_and_label_of_different_shapes_are_refused():
    with pytest.raises(ValueError, match="same shape"):
        cut_patch(subject(20, 20, 20)[0], subject(20, 20, 21)[1], PLAIN, SIZE)


def test_the_intensity_of_the_draw_is_applied():
    image, label = subject(20, 20, 20)
    shifted, _ = cut_patch(image, label, replace(PLAIN, intensity=Intensity(shift=0.25)), SIZE)
    torch.testing.assert_close(shifted, cut_patch(image, label, PLAIN, SIZE)[0] + 0.25)


def test_a_memory_map_in_half_precision_gives_the_patch_of_the_array(tmp_path):
    image, label = subject(20, 21, 22)
    image.half().numpy().tofile(tmp_path / "image")
    mapped = np.memmap(tmp_path / "image", dtype=np.float16, mode="c", shape=tuple(image.shape))
    draw = draw_patch(PatchKey(0, 0, 0), 1, Augmentation())
    patch, _ = cut_patch(torch.from_numpy(mapped), label, draw, SIZE)
    assert patch.dtype == torch.float32
    assert torch.equal(patch, cut_patch(image.half(), label, draw, SIZE)[0])
    torch.testing.assert_close(patch, cut_patch(image, label, draw, SIZE)[0], atol=1e-3, rtol=0)


BIG = 3 * [40]
MANY = Augmentation(rotation=1.5, noise=0.1, mirror_probability=0.5, optional_probability=0.5)


def batch(*shapes):
    """Patches of some subjects as `cut_patches` takes them: volumes, corners, draws."""
    subjects = [subject(*shape, seed=number) for number, shape in enumerate(shapes)]
    draws = [draw_patch(PatchKey(0, 0, number), 1, MANY) for number in range(len(shapes))]
    return subjects, [find_corner(label, draw, SIZE) for (_, label), draw in zip(subjects, draws, strict=True)], draws


def test_a_batch_holds_the_patches_that_are_cut_alone():
    subjects, corners, draws = batch(BIG, (30, 8, 33), BIG)
    images, labels = cut_patches(subjects, corners, draws, SIZE, PARTNERS)
    for patch, own, volumes, draw in zip(images, labels, subjects, draws, strict=True):
        expected, expected_labels = cut_patch(*volumes, draw, SIZE, PARTNERS)
        assert torch.equal(patch, expected)
        assert torch.equal(own, expected_labels)


@settings(deadline=None, max_examples=30)
@given(
    indices=st.lists(st.integers(0, 10**6), min_size=1, max_size=3),
    shapes=st.lists(st.tuples(*[st.integers(6, 40)] * 3), min_size=3, max_size=3),
)
def test_a_device_cuts_a_batch_at_once_into_the_patches_of_a_processor(indices, shapes):
    subjects = [subject(*shape, seed=number) for number, shape in enumerate(shapes)][: len(indices)]
    draws = [draw_patch(PatchKey(0, 0, index), 1, MANY) for index in indices]
    corners = [find_corner(label, draw, SIZE) for (_, label), draw in zip(subjects, draws, strict=True)]
    warps = [
        Warp.of(draw, corner, SIZE, label.shape)
        for draw, corner, (_, label) in zip(draws, corners, subjects, strict=True)
    ]
    images, labels = [image for image, _ in subjects], [label for _, label in subjects]
    torch.testing.assert_close(interpolate_together(images, warps), _interpolate(images, warps), atol=1e-6, rtol=0)
    assert torch.equal(nearest_together(labels, warps), _nearest(labels, warps))


def test_a_device_is_asked_nothing_while_it_cuts():
    subjects, corners, draws = batch(BIG, (30, 8, 33), BIG)
    shapes = [(image.to("meta"), label.to("meta")) for image, label in subjects]  # without values to read
    plain = [replace(draw, intensity=Intensity(shift=0.1)) for draw in draws]  # noise is drawn on the device
    images, labels = cut_patches(shapes, corners, plain, SIZE, PARTNERS)
    assert images.is_meta and labels.is_meta
    assert (images.shape, labels.shape) == ((3, 2, *SIZE), (3, *SIZE))


def test_patches_do_not_depend_on_the_precision_of_matrix_products():
    image, label = subject(70, 70, 70)
    draw = draw_patch(PatchKey(0, 0, 0), 1, Augmentation())
    expected, _ = cut_patch(image, label, draw, (64, 64, 64))  # large enough for the processor's own bfloat16
    before = torch.get_float32_matmul_precision()
    torch.set_float32_matmul_precision("medium")
    try:
        assert torch.equal(cut_patch(image, label, draw, (64, 64, 64))[0], expected)
        assert torch.get_float32_matmul_precision() == "medium"
    finally:
        torch.set_float32_matmul_precision(before)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_patch_of_the_cpu():
    image, label = subject(40, 40, 40)
    draw = draw_patch(PatchKey(0, 0, 0), 1, Augmentation())
    patch, labels = cut_patch(image.cuda(), label.cuda(), draw, SIZE)
    expected, expected_labels = cut_patch(image, label, draw, SIZE)
    torch.testing.assert_close(patch.cpu(), expected, atol=1e-5, rtol=0)
    assert (labels.cpu() != expected_labels).float().mean() < 1e-3
