import pytest
import torch
from builders.cohorts import make_cohort

from datamodules.patches.caching import HeldVolumes, cached
from datamodules.petmr import PETMRDataModule

CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


def batches(cohort, **settings):
    data = PETMRDataModule(str(cohort.path), folds=2, patch_size=(16, 16, 16), epoch_length=6, **settings)
    data.setup("fit")
    return list(data.train_dataloader())


@pytest.mark.parametrize(
    "settings", [{"cache": "ram"}, {"cache": "device"}, {"cache": "auto"}, {"cache": "ram", "workers": 1}]
)
def test_patches_are_the_same_wherever_volumes_are_kept(cohort, settings):
    for one, other in zip(batches(cohort, cache="memmap"), batches(cohort, **settings), strict=True):
        assert torch.equal(one["image"], other["image"])
        assert torch.equal(one["label"], other["label"])
        assert one["subject"] == other["subject"]


def test_held_volumes_are_copies_and_the_store_is_left_as_it_is(cohort):
    data = PETMRDataModule(str(cohort.path), folds=2)
    data.setup("fit")
    volumes = data._volumes(data.parts.train)
    held = cached(volumes, "ram", CPU)
    assert isinstance(held, HeldVolumes)
    held.open(0)[0].zero_()
    assert cached(volumes, "memmap", CPU).open(0)[0].any()


def test_without_a_gpu_the_system_decides_what_stays_in_memory(cohort):
    data = PETMRDataModule(str(cohort.path), folds=2)
    data.setup("fit")
    volumes = data._volumes(data.parts.train)
    assert cached(volumes, "auto", CPU) is volumes


def test_workers_cannot_cut_on_the_device(cohort):
    with pytest.raises(ValueError, match="needs 0 workers, not 2"):
        PETMRDataModule(str(cohort.path), cache="device", workers=2)


def test_noise_reaches_the_test_subjects_pet_and_nothing_else(cohort):
    def tested(**settings):
        data = PETMRDataModule(str(cohort.path), folds=2, **settings)
        data.setup("test")
        return next(iter(data.test_dataloader()))["image"][0]

    clean, loud, again = tested(), tested(noise=0.2), tested(noise="high")
    assert torch.equal(loud, again)
    assert torch.equal(clean[1], loud[1])
    inside = clean[0] > 0.05
    assert 0.05 < (loud[0] - clean[0])[inside].std() / clean[0][inside].mean() < 0.5
