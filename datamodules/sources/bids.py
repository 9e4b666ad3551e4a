"""BIDS with PET-BIDS: `sub-*/[ses-*/]pet/*_pet.nii.gz`, `.../anat/*_T1w.nii.gz`, label maps in any derivative."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from datamodules.findings import FaultyDataError, Finding, error
from datamodules.sources.freesurfer import find_segmentation
from datamodules.sources.subjects import Listing, Selection, Subject, named
from datamodules.tables import read_table
from datamodules.volumes.read import is_image, stem

LABELS = ("_desc-aseg_dseg", "_desc-aparcaseg_dseg")
"""Ends of the names of label maps with FreeSurfer ids; a plain `_dseg` holds tissue classes."""
NATIVE_SPACES = (None, "T1w", "orig", "fsnative")
OPTIONS = {"ses": "--session", "trc": "--tracer", "run": "--run"}


@dataclass(frozen=True)
class Scan:
    """One person, or one session of one person where sessions are named."""

    folder: Path
    session: str | None

    @property
    def id(self) -> str:
        """Names the scan in the cohort."""
        return self.folder.name if self.session is None else f"{self.folder.name}_ses-{self.session}"


def read_bids(root: Path, selection: Selection = Selection()) -> Listing:  # noqa: B008  frozen
    """List the subjects of a BIDS folder; `group` and covariates come from participants.tsv where it has them.

    Without `--session` a person is one scan and each image must be the only one of its kind; with sessions named, each
    of them is a scan of its own, and all scans of a person form one group. A T1 or label map that a session lacks is
    taken from the others, where there is one only; a PET never is. Who has no PET or no T1 at all is listed without.
    """
    people = _participants(root)
    derived = _derivatives(root) if selection.labels else {}
    subjects: list[Subject] = []
    findings: list[Finding] = []
    for scan in _scans(root, selection):
        try:
            label = _label(scan, derived.get(scan.folder.name, []), selection)
            subjects.append(_subject(scan, label, selection, people.get(scan.folder.name, {})))
        except FaultyDataError as fault:
            findings += fault.findings
    return Listing(tuple(subjects), tuple(findings))


def _scans(root: Path, selection: Selection) -> list[Scan]:
    folders = sorted(path for path in root.glob("sub-*") if path.is_dir())
    if not selection.session:
        return [Scan(folder, None) for folder in folders]
    names = [session.removeprefix("ses-") for session in selection.session]
    scans = [Scan(folder, name) for folder in folders for name in names if (folder / f"ses-{name}").is_dir()]
    if not scans:
        present = sorted({path.name.removeprefix("ses-") for path in root.glob("sub-*/ses-*")})
        text = f"No session is called {named(names)}."
        raise FaultyDataError([error("", root, "no session", text, f"There are: {named(present)}.")])
    return scans


def _subject(scan: Scan, label: Path | None, selection: Selection, person: dict[str, str]) -> Subject:
    pet = _images(scan.folder, "pet/*_pet.nii*")
    mr = _images(scan.folder, "anat/*_T1w.nii*")
    wanted_pet = _with(_of_run(pet, selection.run), {"trc": selection.tracer, "ses": scan.session})
    wanted_mr = _of_session(_of_run(mr, selection.run), scan)
    images = {
        "pet": _only(scan, wanted_pet, "PET image (pet/*_pet.nii.gz)", pet),
        "mr": _only(scan, wanted_mr, "T1 image (anat/*_T1w.nii.gz)", mr),
    }
    return Subject(
        id=scan.id,
        images={name: path for name, path in images.items() if path},
        label=label,
        group=person.get("group") or scan.folder.name,
        covariates={name: value for name, value in person.items() if name not in {"participant_id", "group"}},
    )


def _images(folder: Path, pattern: str) -> list[Path]:
    return sorted(path for path in folder.rglob(pattern) if is_image(path))


def entities(path: Path) -> dict[str, str]:
    """The key-value pairs of a BIDS name, such as `trc` in `sub-1_trc-FDG_pet.nii.gz`."""
    return dict(re.findall(r"(?:^|_)([a-zA-Z]+)-([^_]+)", stem(path)))


def _with(files: Sequence[Path], wanted: Mapping[str, str | None]) -> list[Path]:
    """Files whose entities are those wanted; None is content with any."""
    return [path for path in files if all(value in (None, entities(path).get(key)) for key, value in wanted.items())]


def _of_run(files: Sequence[Path], run: str | None) -> list[Path]:
    """Files of a run; all of them where none is numbered, as a person may have two runs of PET and one T1."""
    return _with(files, {"run": run if any("run" in entities(path) for path in files) else None})


def _of_session(files: Sequence[Path], scan: Scan) -> list[Path]:
    """Files of the scan's session; all of them where it has none, as a person may have one T1 for all sessions."""
    return _with(files, {"ses": scan.session}) or list(files)


def _only(scan: Scan, chosen: Sequence[Path], what: str, all_of_kind: Sequence[Path]) -> Path | None:
    if len(chosen) == 1:
        return chosen[0]
    if chosen:
        text = f"There are {len(chosen)} candidates for a {what}: {named(path.name for path in chosen)}."
        raise FaultyDataError([error(scan.id, scan.folder, "several images", text, _choices(chosen))])
    if all_of_kind:
        text = f"There is no {what} as asked for; there are {named(path.name for path in all_of_kind)}."
        raise FaultyDataError([error(scan.id, scan.folder, "no image as asked for", text)])
    return None


def _choices(files: Sequence[Path]) -> str:
    """Which options would tell the files apart, with their values."""
    known = [entities(path) for path in files]
    told = []
    for key, option in OPTIONS.items():
        values = sorted({one[key] for one in known if key in one})
        if len({one.get(key) for one in known}) > 1 and values:
            told.append(f"{option} {' or '.join(values)}")
    return f"Choose with {'; '.join(told)}." if told else "Name the right one in a manifest CSV."


def _derivatives(root: Path) -> dict[str, list[Path]]:
    """Person (`sub-1`) to the folders of all pipelines that are named after it or a session of it."""
    found: dict[str, list[Path]] = {}
    for folder in sorted(path for path in root.glob("derivatives/*/sub-*") if path.is_dir()):
        found.setdefault(re.split("[_.]", folder.name)[0], []).append(folder)
    return found


def _label(scan: Scan, derived: Sequence[Path], selection: Selection) -> Path | None:
    own = [folder for folder in derived if folder.name == scan.folder.name]
    maps = [path for folder in own for path in _images(folder, "anat/*_dseg.nii*") if stem(path).endswith(LABELS)]
    native = [path for path in maps if entities(path).get("space") in NATIVE_SPACES]
    chosen = [path for path in native if not selection.segmentation or selection.segmentation in str(path)]
    best = [path for path in chosen if stem(path).endswith(LABELS[0])] or chosen
    if best:
        return _only_label(scan, _of_session(best, scan))
    of_session = [folder for folder in derived if scan.session is None or folder.name.startswith(scan.id)]
    recon = [folder for folder in of_session if (folder / "mri").is_dir()]
    found = [label for folder in recon if (label := find_segmentation(folder, selection.segmentation))]
    exact = [label for label in found if label.parent.parent.name in (scan.folder.name, scan.id)]
    return _only_label(scan, exact or found) if found else None


def _only_label(scan: Scan, labels: Sequence[Path]) -> Path:
    if len(labels) == 1:
        return labels[0]
    text = f"There are {len(labels)} candidates for a label map: {named(labels)}."
    remedy = "Choose with --segmentation, a part of the right one's path."
    raise FaultyDataError([error(scan.id, scan.folder, "several label maps", text, remedy)])


def _participants(root: Path) -> dict[str, dict[str, str]]:
    """Person to what is told of it; BIDS writes `n/a` for what isn't."""
    path = root / "participants.tsv"
    if not path.is_file():
        return {}
    table = read_table(path, separator="\t").replace("n/a", "")
    if "participant_id" not in table:
        raise ValueError(f"{path}: has no column 'participant_id'; found {', '.join(table.columns)}.")
    rows = table.to_dict("records")
    return {str(row["participant_id"]): {str(name): str(value) for name, value in row.items()} for row in rows}
