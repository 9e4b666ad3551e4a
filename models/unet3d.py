"""3D U-Net.

Cicek et al., "3D U-Net: Learning Dense Volumetric Segmentation from Sparse Annotation", MICCAI 2016, arXiv:1606.06650.

Three poolings; two 3^3 convolutions with batch norm and ReLU a level; channels double before each pooling; a 2^3
up-convolution keeps its channels; 19,077,389 parameters for 2 -> 45 channels.

Deviations:
- Convolutions are padded, so that the output has the input's size; the paper's are not.
- The loss is the comparison's, not the paper's weighted softmax for sparse annotation.
- For 3 -> 3 channels the paper counts 19,069,955 parameters; here they are 19,075,523, with the batch norms' scales and
  shifts and the up-convolutions' biases.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from models.parts.checks import check_patch_size


class UNet3D(nn.Module):
    """3D U-Net in the layout of Cicek et al.

    Args:
        in_channels: Modalities.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels, multiples of 8 from 16.
        width: Channels of the first convolution; the deepest level has 16 times as many.

    Raises:
        ValueError: If the patch cannot be halved three times.
    """

    divisor = 8

    def __init__(
        self, in_channels: int, out_channels: int, *, patch_size: Sequence[int] = (96, 96, 96), width: int = 32
    ) -> None:
        super().__init__()
        check_patch_size("UNet3D", patch_size, self.divisor, smallest=16)
        w = width
        levels = [(in_channels, w, 2 * w), (2 * w, 2 * w, 4 * w), (4 * w, 4 * w, 8 * w), (8 * w, 8 * w, 16 * w)]
        self.analysis = nn.ModuleList(_level(*channels) for channels in levels)
        self.pool = nn.MaxPool3d(2)
        self.up = nn.ModuleList(nn.ConvTranspose3d(c, c, 2, stride=2) for c in (16 * w, 8 * w, 4 * w))
        self.synthesis = nn.ModuleList(_level(3 * c, c, c) for c in (8 * w, 4 * w, 2 * w))
        self.classify = nn.Conv3d(2 * w, out_channels, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map an image `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        skips = [self.analysis[0](x)]
        for level in self.analysis[1:]:
            skips.append(level(self.pool(skips[-1])))
        x = skips.pop()
        for up, level in zip(self.up, self.synthesis, strict=True):
            x = level(torch.cat((skips.pop(), up(x)), dim=1))
        logits: Tensor = self.classify(x)
        return logits


def _level(inputs: int, middle: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(*_convolution(inputs, middle), *_convolution(middle, outputs))


def _convolution(inputs: int, outputs: int) -> list[nn.Module]:
    return [nn.Conv3d(inputs, outputs, 3, padding=1), nn.BatchNorm3d(outputs), nn.ReLU(inplace=True)]
