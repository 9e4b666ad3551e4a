import sys

import pytest
import torch
from dynamic_network_architectures.architectures.unet import ResidualEncoderUNet
from torch import nn

from models.resenc_unet import ResEncUNet

SMALL = {"patch_size": (32, 32, 32), "features": (4, 6, 8, 10), "blocks": (1, 2, 1, 2)}


def nnunet(**plan: object) -> nn.Module:
    """The network as nnU-Net builds it from the `arch_kwargs` of a plans file."""
    return ResidualEncoderUNet(
        2,
        conv_op=nn.Conv3d,
        kernel_sizes=[[3, 3, 3]] * len(plan["features_per_stage"]),
        conv_bias=True,
        norm_op=nn.InstanceNorm3d,
        norm_op_kwargs={"eps": 1e-5, "affine": True},
        nonlin=nn.LeakyReLU,
        nonlin_kwargs={"inplace": True},
        num_classes=5,
        **plan,
    )


@torch.no_grad()
def test_it_computes_what_nnunets_plan_computes_without_the_heads_of_the_lower_levels() -> None:
    ours = ResEncUNet(2, 5, **SMALL).eval()
    theirs = nnunet(
        n_stages=4,
        features_per_stage=(4, 6, 8, 10),
        strides=[[1, 1, 1], [2, 2, 2], [2, 2, 2], [2, 2, 2]],
        n_blocks_per_stage=(1, 2, 1, 2),
        n_conv_per_stage_decoder=(1, 1, 1),
    ).eval()
    weights = ours.network.state_dict()
    for part in ("weight", "bias"):
        weights[f"decoder.seg_layers.2.{part}"] = weights.pop(f"decoder.seg_layers.0.{part}")
    left_out = theirs.load_state_dict(weights, strict=False).missing_keys
    image = torch.rand(1, 2, 32, 32, 32)
    torch.testing.assert_close(ours(image), theirs(image))
    assert left_out == [f"decoder.seg_layers.{level}.{part}" for level in (0, 1) for part in ("weight", "bias")]


def test_residual_branches_start_at_zero_as_in_nnunet() -> None:
    scales = [w for name, w in ResEncUNet(2, 5, **SMALL).named_parameters() if name.endswith("conv2.norm.weight")]
    assert len(scales) == 1 + 2 + 1 + 2
    assert all((scale == 0).all() for scale in scales)


def test_an_absent_package_is_named_with_how_to_install_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dynamic_network_architectures.architectures.unet", None)
    with pytest.raises(ValueError, match="dynamic-network-architectures, which is not installed"):
        ResEncUNet(2, 5, **SMALL)


def test_features_and_blocks_that_differ_in_number_are_refused() -> None:
    with pytest.raises(ValueError, match=r"2 numbers for each of features, blocks"):
        ResEncUNet(2, 5, features=(4, 8), blocks=(1, 1, 1))
