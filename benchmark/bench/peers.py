"""What a network of ours is measured beside: the plain composition, or MONAI's own class."""

from collections.abc import Callable, Sequence
from typing import Any

from monai.networks import nets
from monai.networks.nets.mednext import create_mednext
from torch import Tensor, nn

from benchmark.bench.plain_networks import PlainCrossFusion, PlainUXNet3D


def _swin_unetr(in_channels: int, out_channels: int, patch_size: Sequence[int]) -> nn.Module:
    return nets.SwinUNETR(in_channels, out_channels, feature_size=48)  # type: ignore[no-any-return]


def _unetr(in_channels: int, out_channels: int, patch_size: Sequence[int]) -> nn.Module:
    return nets.UNETR(in_channels, out_channels, img_size=tuple(patch_size), proj_type="perceptron")  # type: ignore[no-any-return]


def _nested_unet(in_channels: int, out_channels: int, patch_size: Sequence[int]) -> nn.Module:
    return nets.BasicUNetPlusPlus(3, in_channels, out_channels, (32, 64, 128, 256, 512, 32))  # type: ignore[no-any-return]


def _vnet(in_channels: int, out_channels: int, patch_size: Sequence[int]) -> nn.Module:
    return nets.VNet(3, in_channels, out_channels)  # type: ignore[no-any-return]


def _mednext(in_channels: int, out_channels: int, patch_size: Sequence[int]) -> nn.Module:
    return create_mednext("M", in_channels=in_channels, out_channels=out_channels)  # type: ignore[no-any-return]


PEERS: dict[str, Callable[..., nn.Module]] = {
    "cross_fusion": PlainCrossFusion,
    "uxnet3d": PlainUXNet3D,
    "swin_unetr": _swin_unetr,
    "unetr": _unetr,
    "nested_unet": _nested_unet,
    "vnet": _vnet,
    "mednext": _mednext,
}


def copy_weights(ours: nn.Module, peer: nn.Module) -> None:
    """Give a peer our weights; what only the peer has isn't read for the output."""
    inner = getattr(ours, "network", ours)
    peer.load_state_dict(inner.state_dict(), strict=False)


def logits_of(output: Any) -> Tensor:
    """The full-resolution logits of a network that may return several maps."""
    logits: Tensor = output[-1] if isinstance(output, list | tuple) else output
    return logits
