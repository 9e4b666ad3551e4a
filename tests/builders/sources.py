"""Sources of every layout on disk, in a few milliseconds."""

import nibabel as nib
import numpy as np

from builders.cohorts import LIA, brain, save
from datamodules.sources.subjects import Selection


def write_bids(root, subjects=2):
    root.mkdir()
    (root / "dataset_description.json").write_text("{}")
    rows = ["participant_id\tgroup\tweight"]
    for index in range(subjects):
        name = f"sub-{index}"
        pet, mr, label = brain(index)
        save(root / name / f"pet/{name}_trc-18FFDG_pet.nii.gz", pet)
        save(root / name / f"anat/{name}_T1w.nii.gz", mr)
        save(root / f"derivatives/fmriprep/{name}/anat/{name}_desc-aseg_dseg.nii.gz", label)
        rows.append(f"{name}\tfamily\t70")
    (root / "participants.tsv").write_text("\n".join(rows))
    return root


def write_sessions(root):
    (root / "sub-1/ses-mr/anat").mkdir(parents=True)
    save(root / "sub-1/ses-mr/anat/sub-1_ses-mr_T1w.nii.gz", brain(0)[1])
    for index, session in enumerate(("base", "late")):
        save(root / f"sub-1/ses-{session}/pet/sub-1_ses-{session}_trc-FDG_pet.nii.gz", brain(index)[0])
    save(root / "derivatives/x/sub-1/ses-mr/anat/sub-1_ses-mr_desc-aseg_dseg.nii.gz", brain(0)[2])
    return root


def save_mgz(path, volume):
    path.parent.mkdir(parents=True, exist_ok=True)
    nib.save(nib.MGHImage(volume, LIA), path)


def write_freesurfer(root, names=("ann", "ann2"), label="aseg.mgz"):
    for index, name in enumerate(names):
        pet, mr, ids = brain(index)
        save_mgz(root / "subjects" / name / "mri/orig.mgz", mr.astype(np.uint8))
        save_mgz(root / "subjects" / name / "mri" / label, ids.astype(np.int32))
        save(root / f"pet/{name}_pet.nii.gz", pet)
    (root / "subjects/fsaverage/mri").mkdir(parents=True)
    return root / "subjects", Selection(pet=root / "pet")


def write_paper_layout(root):
    for index, (name, end) in enumerate((("p1", "Tr"), ("p2", "Tr"), ("p3", "Val"), ("p4", "Ts"))):
        pet, mr, label = brain(index)
        save(root / f"data_PET/images{end}/{name}_PET.nii.gz", pet)
        save(root / f"data_MR/images{end}/{name}_MR.nii.gz", mr)
        save(root / f"data_MR/labels{end}/{name}_label.nii.gz", label)
    return root
