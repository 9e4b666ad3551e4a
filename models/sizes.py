"""What patch sizes a network takes, said at construction rather than as a shape error from deep inside."""

from collections.abc import Sequence


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


def _nearest(side: int, divisor: int, smallest: int, *, up: bool) -> int:
    rounded = -(-side // divisor) if up else side // divisor
    least = -(-smallest // divisor)
    return max(rounded, least, 1) * divisor
