import lightning as L
import pytest
import torch
from builders.cohorts import make_cohort
from torch import nn

from datamodules.patches.validation import Validation
from datamodules.petmr import PETMRDataModule


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=6)


def data(cohort, **settings):
    module = PETMRDataModule(str(cohort.path), folds=3, patch_size=(16, 16, 16), **settings)
    module.prepare_data()
    module.setup("fit")
    return module


def test_a_training_batch_holds_two_patches_of_one_subject(cohort):
    batch = next(iter(data(cohort).train_dataloader()))
    assert batch["image"].shape == (2, 2, 16, 16, 16)
    assert batch["label"].shape == (2, 16, 16, 16)
    assert len(set(batch["subject"])) == 1


def test_an_epoch_visits_every_training_subject_once_or_is_as_long_as_asked(cohort):
    module = data(cohort)
    visited = [batch["subject"][0] for batch in module.train_dataloader()]
    assert sorted(visited) == sorted(module.parts.train)
    assert len(data(cohort, epoch_length=14).train_dataloader()) == 7


def test_workers_make_no_difference(cohort):
    alone = list(data(cohort).train_dataloader())
    helped = list(data(cohort, workers=2).train_dataloader())
    for one, other in zip(alone, helped, strict=True):
        torch.testing.assert_close(one["image"], other["image"], rtol=0, atol=0)
        assert one["subject"] == other["subject"]


@pytest.mark.parametrize(("modalities", "channels"), [(["pet"], [0]), (["mr"], [1]), (["mr", "pet"], [1, 0])])
def test_modalities_choose_channels_and_leave_the_patch_where_it_was(cohort, modalities, channels):
    both = next(iter(data(cohort).train_dataloader()))
    some = next(iter(data(cohort, modalities=modalities).train_dataloader()))
    torch.testing.assert_close(some["image"], both["image"][:, channels])
    torch.testing.assert_close(some["label"], both["label"])


def test_a_missing_modality_is_zero_in_the_test_part_only(cohort):
    module = data(cohort, missing=["mr"])
    tested, validated = next(iter(module.test_dataloader())), next(iter(module.val_dataloader()))
    assert tested["image"][:, 1].abs().max() == 0
    assert tested["image"][:, 0].max() > 0
    assert validated["image"][:, 1].max() > 0


def test_validation_and_test_read_whole_subjects_of_their_parts(cohort):
    module = data(cohort)
    validation, test = module.parts.validation, module.parts.test
    for loader, part in ((module.val_dataloader(), validation), (module.test_dataloader(), test)):
        batches = list(loader)
        assert [batch["subject"][0] for batch in batches] == list(part)
        assert batches[0]["label"].shape[1:] == cohort.subjects[part[0]].shape


def test_validation_reads_the_subjects_that_are_drawn_and_the_test_all(tmp_path):
    module = data(make_cohort(tmp_path, subjects=18), validation=Validation(subjects=1), seed=3)
    validated = [batch["subject"][0] for batch in module.val_dataloader()]
    assert validated == list(module.validated) == list(Validation(subjects=1).draw(module.parts.validation, 3))
    assert len(module.parts.validation) > 1
    assert len(list(module.test_dataloader())) == len(module.parts.test)


@pytest.mark.parametrize(
    ("settings", "match"), [({"fold": 3}, "no fold 3"), ({"modalities": ["ct"]}, "ct isn't in the cohort")]
)
def test_what_does_not_exist_is_refused(cohort, settings, match):
    with pytest.raises(ValueError, match=match):
        data(cohort, **settings)


def test_a_checkpoint_of_another_fold_or_protocol_is_refused(cohort):
    remembered = data(cohort).state_dict()
    data(cohort).load_state_dict(remembered)
    with pytest.raises(ValueError, match="fold 0 against 1"):
        data(cohort, fold=1).load_state_dict(remembered)


class Recorder(L.LightningModule):
    """Remembers what it was trained on; its one weight moves so that there is something to save."""

    def __init__(self):
        super().__init__()
        self.weight = nn.Parameter(torch.zeros(1))
        self.seen: list[tuple[int, float]] = []

    def training_step(self, batch, batch_idx):
        self.seen.append((self.current_epoch, float(batch["image"].double().sum())))
        return self.weight.sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.1)


def fit(cohort, folder, epochs, workers, resume=None):
    model = Recorder()
    trainer = L.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        use_distributed_sampler=False,
        limit_val_batches=0,
    )
    trainer.fit(model, datamodule=data(cohort, workers=workers), ckpt_path=resume)
    trainer.save_checkpoint(folder / "last.ckpt")
    return model.seen


@pytest.mark.parametrize("workers", [0, 2])
def test_a_resumed_fit_sees_the_patches_of_its_own_epoch(cohort, tmp_path, workers):
    whole = fit(cohort, tmp_path / "whole", 3, workers)
    fit(cohort, tmp_path / "part", 1, workers)
    resumed = fit(cohort, tmp_path / "part", 3, workers, resume=tmp_path / "part/last.ckpt")
    assert resumed == [entry for entry in whole if entry[0] >= 1]
    assert len({total for _, total in whole}) == len(whole)
