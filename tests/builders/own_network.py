"""A user's network: nothing of the suite is imported, and there is no `patch_size`."""

from torch import Tensor, nn


class TinyNet(nn.Module):
    def __init__(self, in_channels: int, out_channels: int, width: int = 4) -> None:
        super().__init__()
        self.layers = nn.Sequential(
            nn.Conv3d(in_channels, width, 3, padding=1), nn.ReLU(), nn.Conv3d(width, out_channels, 1)
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.layers(x)
