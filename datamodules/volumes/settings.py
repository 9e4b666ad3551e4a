"""How a source is read and prepared: what `petmr check` and `petmr prepare` share."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from datamodules.volumes.frames import Frames
from datamodules.volumes.grid import Spacing
from datamodules.volumes.scaling import EVERY, Scaling, parse_scalings


@dataclass(frozen=True)
class PrepareSettings:
    """How a cohort is prepared.

    Attributes:
        protocol: Name of a label protocol, or a TSV that holds one.
        scaling: Modality, or `*` for every other one, to its scaling. Which are left out is settled by what their
            numbers are, before anything is prepared (`checks.intensities.settle`).
        spacing: Sides of the stored voxels in millimetres, in RAS order; the label map's own grid where None.
        tolerance: Relative difference from `spacing` that is left as it is.
        frames: Frames of a dynamic image to average; dynamic images are refused where None.
        foreground: A voxel is foreground where any scaled image is above this; the crop keeps the box of all of them.
        margin: Voxels kept around that box.
        coverage: Least share of the labelled voxels that every image must cover.
        nan_to_zero: Whether NaN and infinite voxels become 0 instead of an error.
        unknown_to_background: Whether label ids outside the protocol become background instead of an error.
    """

    protocol: str = "aseg45"
    scaling: Mapping[str, Scaling] = field(default_factory=dict)
    spacing: Spacing | None = None
    tolerance: float = 0.0
    frames: Frames | None = None
    foreground: float = 0.1
    margin: int = 2
    coverage: float = 0.9
    nan_to_zero: bool = False
    unknown_to_background: bool = False

    def __post_init__(self) -> None:
        if self.spacing is not None and not all(0 < side < 100 for side in self.spacing):
            raise ValueError(f"spacing is {'x'.join(map(str, self.spacing))} mm; expected voxel sides such as 1.0.")
        if not 0 < self.coverage <= 1:
            raise ValueError(f"coverage is {self.coverage}; expected a share above 0 and at most 1.")

    @classmethod
    def parse(
        cls,
        *,
        scaling: str | None = None,
        spacing: str | None = None,
        frames: str | None = None,
        nan: Literal["refuse", "zero"] = "refuse",
        unknown_labels: Literal["refuse", "background"] = "refuse",
        **others: Any,
    ) -> "PrepareSettings":
        """From texts, as a command line gives them; all others as they are.

        Raises:
            ValueError: If a text or number makes no sense.
        """
        return cls(
            scaling=parse_scalings(scaling) if scaling else {},
            spacing=parse_spacing(spacing) if spacing else None,
            frames=Frames.parse(frames) if frames else None,
            nan_to_zero=nan == "zero",
            unknown_to_background=unknown_labels == "background",
            **others,
        )

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> "PrepareSettings":
        """Undo `describe`."""
        scaling = {name: Scaling.parse(text) for name, text in entry["scaling"].items()}
        frames = Frames.parse(entry["frames"]) if entry["frames"] else None
        spacing = tuple(entry["spacing"]) if entry["spacing"] else None
        return cls(**{**entry, "scaling": scaling, "frames": frames, "spacing": spacing})

    def scaling_of(self, modality: str) -> Scaling:
        """The scaling of one modality.

        Raises:
            KeyError: If that isn't settled.
        """
        return self.scaling.get(modality) or self.scaling[EVERY]

    def describe(self, modalities: Iterable[str]) -> dict[str, Any]:
        """All settings as JSON, with the scaling of each modality."""
        scaling = {name: str(self.scaling_of(name)) for name in modalities}
        return {**asdict(self), "scaling": scaling, "frames": str(self.frames) if self.frames else None}


def parse_spacing(text: str) -> Spacing:
    """Voxel sides from `1` for cubes, or `1x1x1.2`.

    Raises:
        ValueError: If it is neither.
    """
    try:
        sides = [float(side) for side in text.split("x")]
        x, y, z = sides * 3 if len(sides) == 1 else sides
    except ValueError as error:
        raise ValueError(
            f"spacing '{text}' isn't understood: write 1 for cubes of a millimetre, or 1x1x1.2."
        ) from error
    return x, y, z
