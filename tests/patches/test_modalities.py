import numpy as np
import pytest
import torch
from builders.cohorts import make_cohort
from torch import Tensor

from datamodules.patches.augmentation import Augmentation
from datamodules.patches.draws import PatchKey, draw_patch
from datamodules.patches.misalignment import Misalignment
from datamodules.patches.modalities import draw_displacement, draw_missing, vary_modalities
from datamodules.petmr import PETMRDataModule

BOTH = ("pet", "mr")
ISOTROPIC = (1.0, 1.0, 1.0)


@pytest.fixture(scope="module")
def cohort(tmp_path_factory: pytest.TempPathFactory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=5)


def keys(count: int) -> list[PatchKey]:
    return [PatchKey(0, 0, index) for index in range(count)]


def test_each_modality_is_missing_as_often_as_asked_and_never_both():
    drawn = [draw_missing(key, {"pet": 0.3, "mr": 0.1}, BOTH) for key in keys(4000)]
    assert sum(missing == ("pet",) for missing in drawn) / 4000 == pytest.approx(0.3 * 0.9, abs=0.03)
    assert sum(missing == ("mr",) for missing in drawn) / 4000 == pytest.approx(0.1 * 0.7, abs=0.02)
    assert ("pet", "mr") not in drawn


def test_a_lone_modality_is_never_missing():
    assert {draw_missing(key, {"pet": 1.0}, ("pet",)) for key in keys(20)} == {()}
    assert {draw_missing(key, {"pet": 1.0, "mr": 1.0}, BOTH) for key in keys(20)} == {()}


def test_what_is_drawn_follows_from_the_key_and_moves_no_other_draw():
    one, other = PatchKey(1, 2, 3), PatchKey(1, 2, 4)
    size = Misalignment(3, 3)
    assert draw_displacement(one, size) == draw_displacement(one, size) != draw_displacement(other, size)
    varied = Augmentation(misalignment=size, modality_dropout={"pet": 0.5})
    assert draw_patch(one, 5, varied) == draw_patch(one, 5, Augmentation())


def test_displacements_are_drawn_evenly_up_to_the_largest():
    lengths = [np.linalg.norm(draw_displacement(key, Misalignment(4.0)).shift_mm) for key in keys(500)]
    assert max(lengths) <= 4 and np.mean(lengths) == pytest.approx(2, abs=0.2)


def patch() -> Tensor:
    return torch.rand((2, 12, 13, 14), generator=torch.Generator().manual_seed(0))


def test_only_the_pet_is_displaced():
    settings = Augmentation(misalignment=Misalignment(3.0))
    varied = vary_modalities(patch(), PatchKey(0, 0, 1), settings, BOTH, ISOTROPIC)
    assert torch.equal(varied[1], patch()[1]) and not torch.allclose(varied[0], patch()[0])
    swapped = vary_modalities(patch().flip(0), PatchKey(0, 0, 1), settings, ("mr", "pet"), ISOTROPIC)
    assert torch.equal(swapped, varied.flip(0))


def data(cohort, **settings) -> PETMRDataModule:
    settings = {"augmentation": Augmentation(rotation=0, scaling=0, shift=0), **settings}
    module = PETMRDataModule(str(cohort.path), folds=2, patch_size=(16, 16, 16), epoch_length=40, **settings)
    module.setup("fit")
    return module


def test_training_patches_lack_modalities_and_validation_never_does(cohort):
    dropping = Augmentation(rotation=0, scaling=0, shift=0, modality_dropout={"pet": 0.5})
    module = data(cohort, augmentation=dropping)
    batches = zip(module.train_dataloader(), data(cohort).train_dataloader(), strict=True)
    gone = 0
    for varied, plain in batches:
        torch.testing.assert_close(varied["label"], plain["label"])
        torch.testing.assert_close(varied["image"][:, 1], plain["image"][:, 1])
        gone += sum(not image[0].any() for image in varied["image"])
    assert 10 < gone < 30
    for batch in module.val_dataloader():
        assert batch["image"][:, 0].any()


def test_workers_make_no_difference_to_what_is_missing_or_displaced(cohort):
    settings = Augmentation(misalignment=Misalignment(2, 5), modality_dropout={"mr": 0.5})
    alone, helped = (data(cohort, augmentation=settings, workers=workers) for workers in (0, 2))
    for one, other in zip(alone.train_dataloader(), helped.train_dataloader(), strict=True):
        torch.testing.assert_close(one["image"], other["image"], rtol=0, atol=0)


def test_a_condition_displaces_the_tested_pet_alone_and_always_alike(cohort):
    clean, moved, again, blind = (
        list(data(cohort, **settings).test_dataloader())
        for settings in (
            {},
            {"misaligned": Misalignment(1)},
            {"misaligned": Misalignment(1)},
            {"misaligned": Misalignment(1), "modalities": ["mr", "pet"]},
        )
    )
    for one, other, third, fourth in zip(clean, moved, again, blind, strict=True):
        assert torch.equal(one["image"][:, 1], other["image"][:, 1])
        assert torch.equal(other["image"], third["image"]) and torch.equal(other["image"], fourth["image"].flip(1))
        assert not torch.allclose(one["image"][:, 0], other["image"][:, 0])
    (validated,) = data(cohort, misaligned=Misalignment(1)).val_dataloader()
    torch.testing.assert_close(validated["image"], next(iter(data(cohort).val_dataloader()))["image"])


def test_settings_that_cannot_be_are_refused(cohort):
    with pytest.raises(ValueError, match=r"a probability of each modality, got pet 1\.5"):
        Augmentation(modality_dropout={"pet": 1.5})
    with pytest.raises(ValueError, match="Modality flair isn't in the network's input, which has pet, mr"):
        data(cohort, augmentation=Augmentation(modality_dropout={"flair": 0.1}))
