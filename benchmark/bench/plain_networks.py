"""3D UX-Net and cross fusion composed plainly, as their papers describe them: what ours are measured beside.

Every layer is PyTorch's or MONAI's own and runs by itself: layer norm permutes the channels to the end and back, the
point-wise pair of a UX-Net block is two grouped convolutions, the shared encoder runs once for each modality and the
attention once for each direction. Parameters have the names and shapes of `models.UXNet3D` and `models.CrossFusion`
(fusion `gated`, encoder `uxnet`), so that one state serves both and their outputs can be compared.
"""

import math
from collections.abc import Sequence
from itertools import pairwise

import torch
from monai.networks.blocks.dynunet_block import UnetOutBlock
from monai.networks.blocks.unetr_block import UnetrBasicBlock, UnetrUpBlock
from torch import Tensor, nn

STAGES = (48, 96, 192, 384)
HIDDEN = 768


class PlainUXNet3D(nn.Module):
    """3D UX-Net; takes what `models.UXNet3D` takes."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int],
        feature_sizes: Sequence[int] = STAGES,
        hidden_size: int = HIDDEN,
    ) -> None:
        super().__init__()
        widths = (*feature_sizes, hidden_size)
        self.pyramid = _Pyramid(in_channels, feature_sizes, widths[1:])
        self.decoder = _Decoder(in_channels, out_channels, widths)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, M, D, H, W]` to logits `[B, K, D, H, W]`."""
        logits: Tensor = self.decoder(x, self.pyramid(x))
        return logits


class PlainCrossFusion(nn.Module):
    """The proposed network; takes what `models.CrossFusion` takes."""

    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        *,
        patch_size: Sequence[int],
        feature_sizes: Sequence[int] = STAGES,
        hidden_size: int = HIDDEN,
    ) -> None:
        super().__init__()
        widths = (*feature_sizes, hidden_size)
        self.pyramid = _Siamese(feature_sizes, widths[1:])
        self.decoder = _Decoder(in_channels, out_channels, widths)

    def forward(self, x: Tensor) -> Tensor:
        """Map `[B, 2, D, H, W]` to logits `[B, K, D, H, W]`."""
        logits: Tensor = self.decoder(x, self.pyramid(x))
        return logits


class _LayerNorm(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))

    def forward(self, x: Tensor) -> Tensor:
        mean = x.mean(1, keepdim=True)
        variance = (x - mean).pow(2).mean(1, keepdim=True)
        normalised = (x - mean) / torch.sqrt(variance + 1e-6)
        return self.weight[:, None, None, None] * normalised + self.bias[:, None, None, None]


class _Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.depthwise = nn.Conv3d(channels, channels, 7, padding=3, groups=channels)
        self.norm = nn.LayerNorm(channels, eps=1e-6)
        self.expand = nn.Conv3d(channels, 4 * channels, 1, groups=channels)
        self.activation = nn.GELU()
        self.reduce = nn.Conv3d(4 * channels, channels, 1, groups=channels)
        self.gamma = nn.Parameter(torch.full((channels,), 1e-6))

    def forward(self, x: Tensor) -> Tensor:
        z = self.depthwise(x).permute(0, 2, 3, 4, 1)
        z = self.norm(z).permute(0, 4, 1, 2, 3)
        z = self.reduce(self.activation(self.expand(z))).permute(0, 2, 3, 4, 1)
        y: Tensor = x + (self.gamma * z).permute(0, 4, 1, 2, 3)
        return y


class _Encoder(nn.Module):
    def __init__(self, in_channels: int, stages: Sequence[int]) -> None:
        super().__init__()
        stem = nn.Sequential(nn.Conv3d(in_channels, stages[0], 7, stride=2, padding=3), _LayerNorm(stages[0]))
        downs = (
            nn.Sequential(_LayerNorm(above), nn.Conv3d(above, here, 2, stride=2)) for above, here in pairwise(stages)
        )
        self.downs = nn.ModuleList((stem, *downs))
        self.stages = nn.ModuleList(nn.Sequential(_Block(width), _Block(width)) for width in stages)
        self.norms = nn.ModuleList(_LayerNorm(width) for width in stages)

    def forward(self, x: Tensor) -> list[Tensor]:
        outputs = []
        for down, stage, norm in zip(self.downs, self.stages, self.norms, strict=True):
            x = stage(down(x))
            outputs.append(norm(x))
        return outputs


class _Pyramid(nn.Module):
    def __init__(self, in_channels: int, stages: Sequence[int], levels: Sequence[int]) -> None:
        super().__init__()
        self.encoder = _Encoder(in_channels, stages)
        self.skips = nn.ModuleList(_residual_block(a, b) for a, b in zip(stages, levels, strict=True))

    def forward(self, x: Tensor) -> list[Tensor]:
        return [skip(stage) for skip, stage in zip(self.skips, self.encoder(x), strict=True)]


class _Attention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.query, self.key, self.value = (_projection(channels) for _ in range(3))

    def forward(self, x: Tensor, other: Tensor) -> Tensor:
        query, key, value = torch.sigmoid(self.query(other)), self.key(x), self.value(x)
        score = query * key / math.sqrt(x.shape[1])
        y: Tensor = x + torch.softmax(score, dim=-1) * value
        return y


class _Merge(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.fuse = nn.Conv3d(2 * channels, channels, 3, padding=1)
        self.refine = nn.Conv3d(channels, channels, 3, padding=1)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        fused = self.fuse(torch.cat((x, y), dim=1))
        return self.refine(fused) + fused  # type: ignore[no-any-return]


class _CrossAttention(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.attend = _Attention(channels)
        self.merge = _Merge(channels)

    def forward(self, x: Tensor, y: Tensor) -> Tensor:
        fused: Tensor = self.merge(self.attend(x, y), self.attend(y, x))
        return fused


class _Siamese(nn.Module):
    def __init__(self, stages: Sequence[int], levels: Sequence[int]) -> None:
        super().__init__()
        self.pyramid = _Pyramid(1, stages, levels)
        self.fusions = nn.ModuleList(_CrossAttention(width) for width in levels)

    def forward(self, x: Tensor) -> list[Tensor]:
        first, second = self.pyramid(x[:, :1]), self.pyramid(x[:, 1:])
        return [fuse(*features) for fuse, *features in zip(self.fusions, first, second, strict=True)]


class _Decoder(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, widths: Sequence[int]) -> None:
        super().__init__()
        self.entry = _residual_block(in_channels, widths[0])
        self.ups = nn.ModuleList(
            UnetrUpBlock(3, below, here, 3, upsample_kernel_size=2, norm_name="instance", res_block=True)
            for below, here in pairwise(reversed(widths))
        )
        self.last = _residual_block(widths[0], widths[0])
        self.classify = UnetOutBlock(3, widths[0], out_channels)

    def forward(self, image: Tensor, features: Sequence[Tensor]) -> Tensor:
        *skips, x = self.entry(image), *features
        for up in self.ups:
            x = up(x, skips.pop())
        return self.classify(self.last(x))  # type: ignore[no-any-return]


def _projection(channels: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv3d(channels, channels, 3, padding=1),
        nn.InstanceNorm3d(channels),
        nn.ReLU(inplace=True),
        nn.Conv3d(channels, channels, 3, padding=1),
    )


def _residual_block(inputs: int, outputs: int) -> nn.Module:
    block: nn.Module = UnetrBasicBlock(3, inputs, outputs, 3, 1, norm_name="instance", res_block=True)
    return block
