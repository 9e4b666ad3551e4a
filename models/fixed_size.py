"""Networks whose learned positions tie them to one patch size say so before a shape error can."""

from collections.abc import Sequence

from torch import Tensor


def check_same_size(network: str, patch_size: Sequence[int], x: Tensor) -> None:
    """Refuse an input of another size than the network was built for.

    Args:
        network: The name shown to the user.
        patch_size: `[D, H, W]` in voxels, as given at construction.
        x: The input `[B, M, D, H, W]`.

    Raises:
        ValueError: If the sizes differ.
    """
    if tuple(x.shape[2:]) != tuple(patch_size):
        raise ValueError(
            f"{network} was built for patches of {tuple(patch_size)} voxels and got {tuple(x.shape[2:])}: "
            "its positions are fixed at construction. Cut windows of that size, or build it for this one."
        )
