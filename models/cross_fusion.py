"""Cross fusion, the proposed network: two modalities through one encoder, each attending to the other at every level.

Tang et al., "Automatic Brain Segmentation for PET/MR Dual-Modal Images Through a Cross-Fusion Mechanism", IEEE Journal
of Biomedical and Health Informatics 29(3), 2025.

3D UX-Net's encoder (48, 96, 192, 384 channels, two blocks a stage) and residual blocks (to 96, 192, 384, 768), one set
of weights for both modalities; cross-attention and merging at 1/2 to 1/16 of the resolution; a residual block on the
stacked modalities as skip at full resolution, which is not cross-fused; UNETR's decoder.

Settings of `fusion` (`models/parts/fusion.py`), with parameters for 45 classes:

| fusion           | what is fused                                                   | uxnet       | unet        |
|------------------|-----------------------------------------------------------------|-------------|-------------|
| `gated`          | cross-attention as released: the paper's network                | 243,377,373 | 249,971,469 |
| `dot_product`    | cross-attention as printed, keys and values pooled              | 243,377,373 | 249,971,469 |
| `self_attention` | each modality attends to itself                                 | 243,377,373 | 249,971,469 |
| `concatenation`  | features, merged as in cross fusion, without attention          | 116,464,413 | 123,058,509 |
| `addition`       | features, summed                                                |  53,009,373 |  59,603,469 |
| `bottleneck`     | `gated` at the deepest level alone, `addition` at the others    | 196,342,749 | 202,936,845 |
| `input`          | the modalities, as channels of one encoder: this is 3D UX-Net   |  53,025,837 |  59,604,765 |

Counted by: `with torch.device("meta"): sum(p.numel() for p in CrossFusion(2, 45, fusion=...).parameters())`.

At the proposed network's size within 2 %, with feature_sizes (n, 2n, 4n, 8n) and hidden_size 16n: n = 69 for
`concatenation` (240,319,662), 53 for `bottleneck` (239,314,814), 103 for `addition` (242,752,608) and `input`
(242,787,937).

Settings of `encoder` (`models/parts/encoders.py`): `uxnet`, or `unet`, the plain one of the module ablation. Its cells
are encoder `uxnet` or `unet` with fusion `gated` or `concatenation`, the latter cross fusion less attention.

Deviations:
- Of the two forms of attention the released one is the default; the printed one, softmax(Q K^T / sqrt(C)) V, cannot be
  computed as it stands at 96^3.
- The released file holds a fifth attention of 373,536 parameters that is never used: left out.
- Both modalities pass the shared parts as one batch of twice the size. Layer and instance norms act on each sample by
  itself, so this is the same function; the batch norm of the encoder `unet` takes its statistics from both modalities
  together.
- Any two modalities are taken, not PET and MR alone.
"""

from collections.abc import Iterator, Sequence

import torch
from torch import Tensor, nn

from models.parts.blocks import Decoder, Pyramid
from models.parts.checks import check_lengths, check_patch_size
from models.parts.encoders import ENCODERS
from models.parts.fusion import FUSIONS
from models.parts.recomputing import recompute

EARLY = "input"  # one encoder on the stacked modalities: nothing is left to fuse level by level


class Siamese(nn.Module):
    """One pyramid applied to both modalities, and their features fused level by level.

    Args:
        pyramid: Maps one modality to its features, finest first.
        fusions: For each level, a module of the two modalities' features.
    """

    def __init__(self, pyramid: Pyramid, fusions: Sequence[nn.Module]) -> None:
        super().__init__()
        self.pyramid = pyramid
        self.fusions = nn.ModuleList(fusions)

    def forward(self, x: Tensor) -> list[Tensor]:
        """Map two modalities `[B, 2, D, H, W]` to one feature map a level."""
        both = self.pyramid(torch.cat(x.split(1, dim=1)))
        return [fuse(*features.chunk(2)) for fuse, features in zip(self.fusions, both, strict=True)]

    def stages(self) -> Iterator[nn.Module]:
        """What activation checkpointing may compute again."""
        yield from (*self.pyramid.stages(), *self.fusions)


class CrossFusion(nn.Module):
    """Two modalities through one encoder, fused at every level, and decoded together.

    Args:
        in_channels: Modalities: two, any two.
        out_channels: Classes, background included.
        patch_size: `[D, H, W]` in voxels, multiples of 16 from 32.
        feature_sizes: Channels of the encoder's stages.
        hidden_size: Channels of the deepest skip.
        depths: Blocks of the encoder's stages.
        fusion: How the modalities are fused: a name in `FUSIONS`, or `input`.
        encoder: A name in `ENCODERS`.
        checkpointing: Compute activations again in the backward pass instead of keeping them.

    Raises:
        ValueError: If there are not two modalities or four stages, the patch cannot be halved four times, or a name is
            unknown.
    """

    divisor = 16

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int] = (96, 96, 96),
        feature_sizes: Sequence[int] = (48, 96, 192, 384),
        hidden_size: int = 768,
        depths: Sequence[int] = (2, 2, 2, 2),
        fusion: str = "gated",
        encoder: str = "uxnet",
        checkpointing: bool = False,
    ) -> None:
        super().__init__()
        check_patch_size("CrossFusion", patch_size, self.divisor, smallest=32)
        check_lengths("CrossFusion", 4, feature_sizes=feature_sizes, depths=depths)
        _check_modalities(in_channels)
        _check_name("fusion", fusion, (*FUSIONS, EARLY))
        _check_name("encoder", encoder, tuple(ENCODERS))
        widths = (*feature_sizes, hidden_size)

        def pyramid(channels: int) -> Pyramid:
            return Pyramid(ENCODERS[encoder](channels, feature_sizes, depths), feature_sizes, widths[1:])

        self.pyramid = pyramid(2) if fusion == EARLY else Siamese(pyramid(1), FUSIONS[fusion](widths[1:]))
        self.decoder = Decoder(2, out_channels, widths)
        if checkpointing:
            recompute(*self.pyramid.stages(), *self.decoder.stages())

    def forward(self, x: Tensor) -> Tensor:
        """Map an image `[B, 2, D, H, W]` to logits `[B, K, D, H, W]`."""
        logits: Tensor = self.decoder(x, self.pyramid(x))
        return logits


def _check_modalities(in_channels: int) -> None:
    if in_channels != 2:
        raise ValueError(
            f"CrossFusion fuses exactly two modalities; got {in_channels}. "
            "Choose two, or a network that takes any number, such as uxnet3d."
        )


def _check_name(setting: str, name: str, valid: Sequence[str]) -> None:
    if name not in valid:
        raise ValueError(f"CrossFusion has no {setting} {name!r}. Choose one of: {', '.join(valid)}.")
