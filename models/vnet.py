"""V-Net.

Milletari et al., "V-Net: Fully Convolutional Neural Networks for Volumetric Medical Image Segmentation", 3DV 2016,
arXiv:1606.04797.

MONAI's transitions in MONAI's arrangement: 5^3 convolutions, residual sums, 2^3 strided convolutions down and up,
dropout of whole channels with probability 0.5; 45.77 M parameters for 2 -> 45 channels. The width is a setting here,
which MONAI's `VNet` fixes at 16; at 16 the two have the same parameters under the same names and the same output.

Deviations, all MONAI's:
- Batch norm before every activation, and ELU for PReLU (as in the PyTorch port by M. Macy).
- Dropout on the two deepest levels and on the skips; the paper has none.
- The output has one channel a class; the paper segments foreground and background with two.
"""

from collections.abc import Sequence

from monai.networks.nets.vnet import DownTransition, InputTransition, OutputTransition, UpTransition
from torch import Tensor, nn

from models.parts.checks import check_patch_size

_ACTIVATION = ("elu", {"inplace": True})


class VNet(nn.Module):
    """V-Net of MONAI's transitions.

    Args:
        in_channels: Modalities; a divisor of `width`, as the first residual sum repeats the input.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels, multiples of 16 from 32.
        width: Channels at full resolution; the deepest level has 16 times as many.
        dropout: Probability to drop a channel, in the two deepest levels and on every skip.

    Raises:
        ValueError: If the patch cannot be halved four times, or `in_channels` does not divide `width`.
    """

    divisor = 16

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        width: int = 16,
        dropout: float = 0.5,
    ) -> None:
        super().__init__()
        check_patch_size("VNet", patch_size, self.divisor, smallest=32)
        _check_channels(in_channels, width)
        w, act = width, _ACTIVATION
        self.in_tr = InputTransition(3, in_channels, w, act)
        self.down_tr32 = DownTransition(3, w, 1, act)
        self.down_tr64 = DownTransition(3, 2 * w, 2, act)
        self.down_tr128 = DownTransition(3, 4 * w, 3, act, dropout_prob=dropout)
        self.down_tr256 = DownTransition(3, 8 * w, 2, act, dropout_prob=dropout)
        self.up_tr256 = UpTransition(3, 16 * w, 16 * w, 2, act, dropout_prob=(dropout, dropout))
        self.up_tr128 = UpTransition(3, 16 * w, 8 * w, 2, act, dropout_prob=(dropout, dropout))
        self.up_tr64 = UpTransition(3, 8 * w, 4 * w, 1, act, dropout_prob=(None, dropout))
        self.up_tr32 = UpTransition(3, 4 * w, 2 * w, 1, act, dropout_prob=(None, dropout))
        self.out_tr = OutputTransition(3, 2 * w, out_channels, act)

    def forward(self, x: Tensor) -> Tensor:
        """Map an image `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        skips = [self.in_tr(x)]
        for down in (self.down_tr32, self.down_tr64, self.down_tr128, self.down_tr256):
            skips.append(down(skips[-1]))
        x = skips.pop()
        for up in (self.up_tr256, self.up_tr128, self.up_tr64, self.up_tr32):
            x = up(x, skips.pop())
        logits: Tensor = self.out_tr(x)
        return logits


def _check_channels(in_channels: int, width: int) -> None:
    if width % in_channels == 0:
        return
    valid = [channels for channels in range(1, width + 1) if width % channels == 0]
    raise ValueError(
        f"VNet repeats its input up to its width of {width} channels, so the number of modalities must divide {width}; "
        f"got {in_channels}. Choose one of {valid}, or a width that is a multiple of {in_channels}."
    )
