"""The files of one simulated cohort, as BIDS and PET-BIDS name and describe them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nibabel as nib
import numpy as np
from numpy.typing import NDArray

from datamodules.files import write_json
from datamodules.labels.protocol import load_protocol
from datamodules.simulation.pet import PETScanner
from datamodules.simulation.subject import SimulatedSubject
from datamodules.volumes.units import CONFORMED

DERIVATIVES = Path("derivatives", "simulation")
BIDS_VERSION = "1.10.0"
PET_STEP = 137_919.0 / np.iinfo(np.int16).max
"""Bq/ml: the range that the PET is clipped to fills 16 bits."""
UPTAKE_TIME = 2400.0
"""Seconds from injection to the scan."""
SCAN_DURATION = 1200.0
"""Seconds."""


@dataclass(frozen=True)
class Participant:
    """A simulated person.

    Attributes:
        age: In years; nothing in the images depends on it.
        sex: "F" or "M"; nothing in the images depends on it.
        weight: In kilograms.
        dose: Injected radioactivity, in MBq.
        cortical_suv: Standardised uptake value of the cortex.
    """

    age: int
    sex: str
    weight: float
    dose: float
    cortical_suv: float

    @property
    def cortical_activity(self) -> float:
        """Activity of the cortex in Bq/ml, decay-corrected to injection (1 g of tissue = 1 ml)."""
        return self.cortical_suv * self.dose * 1e6 / (self.weight * 1e3)


def draw_participant(rng: np.random.Generator) -> Participant:
    """Draw an adult with the usual FDG dose of about 4 MBq/kg and a cortical SUV of about 8."""
    weight = round(float(np.clip(rng.normal(74, 13), 45, 120)), 1)
    return Participant(
        age=int(rng.integers(20, 81)),
        sex=str(rng.choice(["F", "M"])),
        weight=weight,
        dose=round(weight * float(np.clip(rng.lognormal(np.log(4.2), 0.2), 2.5, 7)), 1),
        cortical_suv=float(np.clip(rng.lognormal(np.log(8), 0.2), 4, 14)),
    )


@dataclass(frozen=True)
class SubjectFiles:
    """Where a subject's files lie, relative to the cohort's folder."""

    name: str

    @property
    def mr(self) -> Path:
        """T1-weighted image."""
        return Path(self.name, "anat", f"{self.name}_T1w.nii.gz")

    @property
    def pet(self) -> Path:
        """FDG image."""
        return Path(self.name, "pet", f"{self.name}_trc-18FFDG_pet.nii.gz")

    @property
    def label(self) -> Path:
        """True label map."""
        return DERIVATIVES / self.name / "anat" / f"{self.name}_desc-aseg_dseg.nii.gz"

    def write(self, root: Path, subject: SimulatedSubject, spacing: float, participant: Participant) -> None:
        """Write the images, the label map and the sidecars under `root`.

        The MR is stored in whole steps of 0..255, as FreeSurfer's conformed volumes are, and the PET as scanners store
        it, in 16 bits and a scale: steps of 4.2 Bq/ml.
        """
        _write_volume(root / self.mr, np.rint(subject.mr).astype(np.uint8), spacing)
        _write_volume(root / self.pet, np.rint(subject.pet / PET_STEP).astype(np.int16), spacing, PET_STEP)
        _write_volume(root / self.label, subject.labels, spacing)
        write_json(root / self.pet.with_name(f"{self.name}_trc-18FFDG_pet.json"), _pet_sidecar(participant))
        write_json(root / self.mr.with_name(f"{self.name}_T1w.json"), MR_SIDECAR)


def _write_volume(path: Path, volume: NDArray[Any], spacing: float, step: float = 1.0) -> None:
    affine = np.diag([spacing, spacing, spacing, 1.0])
    affine[:3, 3] = -(np.array(volume.shape) - 1) / 2 * spacing
    image = nib.nifti1.Nifti1Image(np.asfortranarray(volume), affine)
    image.header.set_xyzt_units("mm")
    image.header.set_slope_inter(step, 0)
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(image, path)


def _pet_sidecar(participant: Participant) -> dict[str, object]:
    scanner = PETScanner()
    return {
        "Manufacturer": "none (simulated)",
        "ManufacturersModelName": "none (simulated)",
        "Units": "Bq/mL",
        "BodyPart": "BRAIN",
        "TracerName": "FDG",
        "TracerRadionuclide": "F18",
        "InjectedRadioactivity": participant.dose,
        "InjectedRadioactivityUnits": "MBq",
        "InjectedMass": "n/a",
        "InjectedMassUnits": "n/a",
        "SpecificRadioactivity": "n/a",
        "SpecificRadioactivityUnits": "n/a",
        "ModeOfAdministration": "bolus",
        "TimeZero": "10:00:00",
        "InjectionStart": 0,
        "ScanStart": UPTAKE_TIME,
        "FrameTimesStart": [UPTAKE_TIME],
        "FrameDuration": [SCAN_DURATION],
        "AcquisitionMode": "static",
        "ImageDecayCorrected": True,
        "ImageDecayCorrectionTime": 0,
        "ReconMethodName": "none (simulated)",
        "ReconMethodParameterLabels": ["none"],
        "ReconFilterType": "Gaussian",
        "ReconFilterSize": scanner.filter,
        "AttenuationCorrection": "none needed (simulated without attenuation)",
    }


def write_table(path: Path, columns: Sequence[str], rows: Sequence[Sequence[object]], separator: str) -> None:
    """Write a table with its header line, and the folders above it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = (separator.join(map(str, row)) for row in (columns, *rows))
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def write_descriptions(root: Path, settings: Mapping[str, object]) -> None:
    """Write what describes the cohort as a whole; `settings` are those that made it."""
    generated = [{"Name": "petmr simulate", "Description": "Simulated PET and MR", "Parameters": dict(settings)}]
    description = {"BIDSVersion": BIDS_VERSION, "GeneratedBy": generated}
    write_json(root / "dataset_description.json", {"Name": "Simulated PET/MR", "DatasetType": "raw", **description})
    write_json(
        root / DERIVATIVES / "dataset_description.json",
        {"Name": "True labels of simulated PET/MR", "DatasetType": "derivative", **description},
    )
    structures = load_protocol("aseg45").structures
    rows = [(s.label, s.name, "#" + bytes(s.colour).hex()) for s in structures]
    write_table(root / DERIVATIVES / "desc-aseg_dseg.tsv", ("index", "name", "color"), rows, "\t")
    write_json(root / "participants.json", PARTICIPANT_COLUMNS)
    (root / "README").write_text(README, encoding="utf-8")


MR_SIDECAR = {
    "Manufacturer": "none (simulated)",
    "ManufacturersModelName": "none (simulated)",
    "Units": CONFORMED,  # on voxels of any size
}

PARTICIPANT_COLUMNS: dict[str, object] = {
    "age": {"Description": "Drawn at random; nothing in the images depends on it", "Units": "year"},
    "sex": {
        "Description": "Drawn at random; nothing in the images depends on it",
        "Levels": {"F": "female", "M": "male"},
    },
    "weight": {"Description": "Body weight; with the injected dose it sets the activity", "Units": "kg"},
    "group": {"Description": "Source anatomy; subjects of one group must stay in one fold"},
}

README = """Simulated 18F-FDG PET and T1-weighted MR of the head, with the true label of every voxel
(derivatives/simulation, FreeSurfer ids). No image of a person is in here. Tissue intensities and uptakes were
chosen, not measured. manifest.csv lists the files of every subject; subjects of one group share a source anatomy and
must not be split between training and test. Where the anatomies come from label maps, those maps' licence applies.
"""
