from functools import partial
from pathlib import Path

import nibabel as nib
import numpy as np
import pytest

from benchmark.__main__ import main
from benchmark.labelling.trained import SHIPPED, load_trained
from benchmark.verbs.model import CAUTION, CAUTION_FILE
from datamodules.simulation.phantom import phantom_labels
from datamodules.simulation.subject import simulate

AFFINE = np.diag([4.0, 4.0, 4.0, 1.0])


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A phantom of 4 mm voxels, typical PET and T1: neither its shape nor its voxels were trained on."""
    folder = tmp_path_factory.mktemp("phantom")
    subject = simulate(partial(phantom_labels, (5, 1, 0), resolution=4.0), size=56, spacing=4.0, seed=(5, 1, 1))
    for name in ("pet", "mr"):
        nib.save(nib.Nifti1Image(getattr(subject, name), AFFINE), folder / f"{name}.nii.gz")
    return folder, subject.labels


def dice(one, other):
    return 2 * (one & other).sum() / (one.sum() + other.sum())


def test_it_is_small_and_does_without_either_image():
    assert SHIPPED["quick"].stat().st_size <= 4e6
    trained = load_trained(Path("quick"))
    assert trained.modalities == trained.dispensable == ("pet", "mr")


@pytest.mark.parametrize("given", [("pet", "mr"), ("mr",)])
def test_it_finds_white_matter_and_says_what_it_is(images, tmp_path, capsys, given):
    folder, truth = images
    words = [word for name in given for word in (f"--{name}", str(folder / f"{name}.nii.gz"))]
    main(["predict", "--checkpoint", "quick", *words, "--subject", "s", "--output", str(tmp_path)])
    assert CAUTION in capsys.readouterr().out.replace("\n", " ")
    assert (tmp_path / CAUTION_FILE).read_text() == f"{CAUTION}\n"
    labels = np.asarray(nib.load(tmp_path / "s_dseg.nii.gz").dataobj)
    for side in (2, 41):
        assert dice(labels == side, truth == side) > 0.6


def test_a_file_of_that_name_comes_first(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("quick").write_text("mine")
    with pytest.raises(ValueError, match="quick: "):
        load_trained(Path("quick"))
