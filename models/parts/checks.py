"""What a network refuses, said as a sentence rather than as a shape error from deep inside."""

from collections.abc import Sequence

from torch import Tensor


def check_patch_size(network: str, patch_size: Sequence[int], divisor: int, smallest: int = 1) -> None:
    """Refuse a patch that the network cannot halve as often as it has levels.

    Args:
        network: The name shown to the user.
        patch_size: `[D, H, W]` in voxels.
        divisor: Every side must be a multiple of it.
        smallest: Every side must be at least this many voxels.

    Raises:
        ValueError: If a side is no such multiple; the message names the nearest valid sizes.
    """
    if len(patch_size) != 3:
        raise ValueError(f"{network} segments volumes: patch_size needs three sides, got {tuple(patch_size)}.")
    if all(side % divisor == 0 and side >= smallest for side in patch_size):
        return
    below = tuple(_nearest(side, divisor, smallest, up=False) for side in patch_size)
    above = tuple(_nearest(side, divisor, smallest, up=True) for side in patch_size)
    raise ValueError(
        f"{network} takes patches whose sides are multiples of {divisor}, at least {smallest} voxels; "
        f"got {tuple(patch_size)}. Nearest valid: {below if below == above else f'{below} or {above}'}."
    )


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


def check_lengths(network: str, length: int, **settings: Sequence[int]) -> None:
    """Refuse settings of the wrong number of numbers, such as channels for another number of levels.

    Args:
        network: The name shown to the user.
        length: How many numbers each setting needs.
        settings: By name.

    Raises:
        ValueError: If one has another length.
    """
    if any(len(values) != length for values in settings.values()):
        listed = ", ".join(f"{name} {tuple(values)}" for name, values in settings.items())
        raise ValueError(f"{network} takes {length} numbers for each of {', '.join(settings)}; got {listed}.")


def _nearest(side: int, divisor: int, smallest: int, *, up: bool) -> int:
    rounded = -(-side // divisor) if up else side // divisor
    least = -(-smallest // divisor)
    return max(rounded, least, 1) * divisor
