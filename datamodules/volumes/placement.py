"""Whether an image lies where the label map lies."""

from dataclasses import dataclass
from pathlib import Path

from datamodules.findings import Finding, error, note, warning
from datamodules.volumes.grid import Array, Grid, ras_grid
from datamodules.volumes.resample import field_of_view

LOOK = "Look whether they lie on each other: petmr check SOURCE --sheet sheet.png."


@dataclass(frozen=True)
class Placement:
    """An image that is to be brought onto another's grid.

    Attributes:
        own: Grid of the image.
        grid: That of the label map, or of the MR where there is none.
        stored: The grid that both are brought onto.
        reference: Name of the file that `grid` is of.
    """

    own: Grid
    grid: Grid
    stored: Grid
    reference: str

    @property
    def same(self) -> bool:
        """Whether both hold the same voxels, in whatever order of the axes; float noise doesn't count."""
        return ras_grid(self.own).coincides(ras_grid(self.grid))


def check_placement(subject: str, path: Path, placement: Placement, structures: Array, least: float) -> list[Finding]:
    """Tell of an image on another grid than the label map's, and refuse one that doesn't cover the structures.

    Args:
        subject: Whom it concerns.
        path: The image.
        placement: Where it lies and should lie.
        structures: Which voxels of the stored grid belong to a structure; where none does, all count.
        least: Least share of them that the image must cover.
    """
    if placement.same:
        return []
    covered = field_of_view(placement.own, placement.stored)
    known = structures.any()
    share = float(covered[structures].mean() if known else covered.mean())
    whole = f"{'structures' if known else 'field of view'} of {placement.reference}"
    grids = f"({placement.own} against {placement.grid})"
    if share < least:
        cover = f"covers {share:.0%} of" if covered.any() else "doesn't overlap with"
        text = f"Its field of view {cover} the {whole}; expected at least {least:.0%} {grids}."
        return [error(subject, path, "other place", text, "Register it, or mend its header.")]
    text = f"Lies on another grid than {placement.reference} and is resampled onto it, linearly {grids}"
    if share < 1:
        text = f"{text}; {1 - share:.1%} of the {whole} lie outside it."
        return [warning(subject, path, "resampled, partly outside", text, LOOK)]
    if placement.own.shape == placement.grid.shape:
        text = f"{text}, though the shapes are equal."
        return [warning(subject, path, "resampled, equal shape", text, LOOK)]
    return [note(subject, path, "resampled", f"{text}.")]
