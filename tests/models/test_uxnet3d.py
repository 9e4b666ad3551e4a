import pytest
import torch
from builders.fingerprint import assert_matches, fill, fixed_input
from torch import nn
from torch.utils.flop_counter import FlopCounterMode

from models.parts.depthwise import depthwise
from models.parts.uxnet import UXNetBlock, UXNetEncoder
from models.uxnet3d import UXNet3D

SMALL = {"patch_size": [32, 32, 32], "feature_sizes": [8, 16, 32, 64], "hidden_size": 128}


@torch.no_grad()
@pytest.mark.parametrize(
    ("size", "case"),
    [((32, 32, 32), "uxnet_in2_small_32"), ((48, 32, 64), "uxnet_in2_small_48x32x64")],
)
def test_small_network_computes_what_the_reference_computes(size: tuple[int, int, int], case: str) -> None:
    assert_matches(fill(UXNet3D(2, 5, **SMALL))(fixed_input(2, size)), case)


@pytest.mark.slow
@torch.no_grad()
def test_full_width_computes_what_the_reference_computes() -> None:
    assert_matches(fill(UXNet3D(2, 45))(fixed_input(2, (32, 32, 32))), "uxnet_in2_full_32")


@torch.no_grad()
def test_block_computes_what_the_reference_computes() -> None:
    assert_matches(fill(UXNetBlock(8))(fixed_input(8, (6, 5, 7))), "part_uxblock_C8_6x5x7")


@torch.no_grad()
def test_every_stage_of_the_encoder_computes_what_the_reference_computes() -> None:
    encoder = fill(UXNetEncoder(1, (8, 16, 32, 64), (2, 2, 2, 2)))
    stages = encoder(fixed_input(1, (48, 32, 64)))
    case = "part_encoder_c1_48x32x64"
    for stage, name in zip(stages, (case, f"{case}/1", f"{case}/2", f"{case}/3"), strict=True):
        assert_matches(stage, name)


@torch.no_grad()
def test_layer_scale_starts_near_the_identity() -> None:
    block, x = UXNetBlock(4), torch.rand(1, 4, 8, 8, 8)
    assert torch.equal(block.gamma, torch.full((4,), 1e-6))
    torch.testing.assert_close(block(x), x, rtol=0, atol=1e-5)


def test_parameters_and_multiply_adds_equal_those_measured_on_the_reference() -> None:
    with torch.device("meta"):
        network = UXNet3D(2, 45)
        with FlopCounterMode(display=False) as counter:
            network(torch.empty(1, 2, 96, 96, 96))
    assert sum(parameter.numel() for parameter in network.parameters()) == 53_025_837
    assert round(counter.get_total_flops() / 2e9) == 582


@pytest.mark.parametrize("stages", [{"feature_sizes": (8, 16, 32)}, {"depths": (2, 2, 2)}])
def test_other_than_four_stages_are_refused(stages: dict[str, tuple[int, ...]]) -> None:
    with pytest.raises(ValueError, match="UXNet3D takes 4 numbers for each of feature_sizes, depths"):
        UXNet3D(2, 5, **{**SMALL, **stages})


def test_patch_that_leaves_one_voxel_at_the_deepest_level_is_refused() -> None:
    with pytest.raises(ValueError, match=r"at least 32 voxels; got \(16, 16, 16\)"):
        UXNet3D(2, 5, patch_size=(16, 16, 16))


@pytest.mark.parametrize("side", [1, 2, 6, 8])
def test_half_precision_gives_the_depthwise_convolution_the_gradients_of_single_precision(side: int) -> None:
    """The native gradients of oneDNN 3.12 are wrong on a grid below the kernel, and write past their memory."""
    torch.manual_seed(0)
    layer = nn.Conv3d(16, 16, 7, padding=3, groups=16)
    image = torch.rand(2, 16, side, side, side).requires_grad_()

    def gradients(half: bool) -> tuple[torch.Tensor, ...]:
        with torch.autocast("cpu", torch.bfloat16, enabled=half):
            result = depthwise(image, *layer.parameters())
        return torch.autograd.grad((result.float() * image.detach()).sum(), (image, *layer.parameters()))

    for found, single in zip(gradients(half=True), gradients(half=False), strict=True):
        torch.testing.assert_close(found, single, rtol=0, atol=0.02 * single.abs().max().item())
