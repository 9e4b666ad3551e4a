"""The encoders cross fusion is compared with: 3D UX-Net's, and a plain one of the same widths and strides."""

from collections.abc import Callable, Sequence

from torch import Tensor, nn

from models.parts.uxnet import UXNetEncoder


class VGGEncoder(nn.Module):
    """Stages of 3^3 convolutions with batch norm and ReLU, at 1/2, 1/4, 1/8, 1/16 of the resolution.

    The first convolution of a stage has stride 2, in place of VGG's pooling, so that the first stage halves the
    resolution from learnt features, as 3D UX-Net's stem does.

    Args:
        in_channels: Modalities.
        stages: Channels of the stages.
        depths: Convolutions of the stages.
    """

    def __init__(self, in_channels: int, stages: Sequence[int], depths: Sequence[int]) -> None:
        super().__init__()
        inputs = (in_channels, *stages[:-1])
        self.stages = nn.ModuleList(
            _stage(above, here, depth) for above, here, depth in zip(inputs, stages, depths, strict=True)
        )

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map `[B, M, D, H, W]` to the stages' outputs, finest first."""
        outputs: list[Tensor] = []
        for stage in self.stages:
            outputs.append(stage(outputs[-1] if outputs else x))
        return outputs


def _stage(inputs: int, outputs: int, depth: int) -> nn.Sequential:
    first = _convolution(inputs, outputs, stride=2)
    return nn.Sequential(first, *(_convolution(outputs, outputs, stride=1) for _ in range(depth - 1)))


def _convolution(inputs: int, outputs: int, stride: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(inputs, outputs, 3, stride=stride, padding=1), nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)
    )


ENCODERS: dict[str, Callable[[int, Sequence[int], Sequence[int]], nn.Module]] = {
    "uxnet": UXNetEncoder,
    "unet": VGGEncoder,
}
