"""How a source is read and prepared: what `petmr check` and `petmr prepare` share."""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from datamodules.volumes.frames import Frames
from datamodules.volumes.scaling import DEFAULT, PAPER, Scaling


@dataclass(frozen=True)
class PrepareSettings:
    """How a cohort is prepared.

    Attributes:
        protocol: Name of a label protocol, or a TSV that holds one.
        scaling: Modality to its scaling; the paper's ranges for `pet` and `mr`, percentiles for others where not given.
        spacing: Side of the stored cubic voxels in millimetres; the label map's own grid where None.
        frames: Frames of a dynamic image to average; dynamic images are refused where None.
        foreground: A voxel is foreground where any scaled image is above this; the crop keeps the box of all of them.
        margin: Voxels kept around that box.
        overlap: Least share of the labelled voxels that every image must cover.
        nan_to_zero: Whether NaN and infinite voxels become 0 instead of an error.
        unknown_to_background: Whether label ids outside the protocol become background instead of an error.
    """

    protocol: str = "aseg45"
    scaling: Mapping[str, Scaling] = field(default_factory=dict)
    spacing: float | None = None
    frames: Frames | None = None
    foreground: float = 0.1
    margin: int = 2
    overlap: float = 0.9
    nan_to_zero: bool = False
    unknown_to_background: bool = False

    def __post_init__(self) -> None:
        if self.spacing is not None and not 0 < self.spacing < 100:
            raise ValueError(f"spacing is {self.spacing} mm; expected a voxel side such as 1.0.")
        if not 0 < self.overlap <= 1:
            raise ValueError(f"overlap is {self.overlap}; expected a share above 0 and at most 1.")

    @classmethod
    def parse(
        cls,
        *,
        scaling: Mapping[str, str] | None = None,
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
            scaling={name: Scaling.parse(text) for name, text in (scaling or {}).items()},
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
        return cls(**{**entry, "scaling": scaling, "frames": frames})

    def scaling_of(self, modality: str) -> Scaling:
        """The scaling of one modality."""
        return self.scaling.get(modality) or PAPER.get(modality) or DEFAULT

    def describe(self, modalities: Iterable[str]) -> dict[str, Any]:
        """All settings as JSON, with every default resolved."""
        scaling = {name: str(self.scaling_of(name)) for name in modalities}
        return {**asdict(self), "scaling": scaling, "frames": str(self.frames) if self.frames else None}
