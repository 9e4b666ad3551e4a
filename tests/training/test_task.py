import lightning as L
import pytest
import torch
from builders.cohorts import make_cohort

from benchmark.labelling.sliding_window import SlidingWindow, segment
from benchmark.labelling.whole_subjects import Inference
from benchmark.training.task import SegmentationTask
from benchmark.training.validation import SubjectDice
from datamodules.petmr import PETMRDataModule
from models import NETWORKS

STRUCTURES = ("background", "a", "b")
WINDOW = SlidingWindow((16, 16, 16))


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


def test_a_small_network_learns_one_patch(cohort):
    data = PETMRDataModule(str(cohort.path), folds=2, patch_size=(16, 16, 16))
    data.setup("fit")
    batch = next(iter(data.train_dataloader()))
    torch.manual_seed(0)
    task = SegmentationTask(NETWORKS["unet3d"](2, 9, patch_size=(16, 16, 16), width=8), data.structures)
    task.log = lambda *args, **kwargs: None
    optimizer = torch.optim.AdamW(task.parameters(), 1e-2)
    for _ in range(60):
        optimizer.zero_grad()
        task.training_step(batch, 0).backward()
        optimizer.step()
    dice = SubjectDice(9)
    for image, label in zip(batch["image"], batch["label"], strict=True):
        dice.update(label, segment(task.eval(), image, 9, WINDOW))
    assert dice.compute()[0] > 0.9


def test_a_loss_that_is_not_finite_stops_and_names_the_subjects():
    network = torch.nn.Conv3d(2, 3, 1)
    torch.nn.init.constant_(network.weight, float("nan"))
    task = SegmentationTask(network, STRUCTURES)
    batch = {"image": torch.ones(2, 2, 4, 4, 4), "label": torch.zeros(2, 4, 4, 4), "subject": ["s3", "s7"]}
    with pytest.raises(FloatingPointError, match="s3, s7"):
        task.training_step(batch, 0)


def test_weights_that_are_not_finite_stop_before_a_checkpoint_is_written():
    network = torch.nn.Conv3d(2, 3, 1)
    SegmentationTask(network, STRUCTURES).on_validation_start()
    torch.nn.init.constant_(network.bias, float("inf"))
    with pytest.raises(FloatingPointError, match="Weights of bias aren't finite"):
        SegmentationTask(network, STRUCTURES).on_validation_start()


def test_the_checkpoint_of_another_network_is_refused_with_both_named():
    task = SegmentationTask(torch.nn.Conv3d(2, 3, 1), STRUCTURES)
    task.recipe = {"class_path": "models.VNet", "init_args": {"dropout": 0.5, "patch_size": (16, 16, 16)}}
    other = {"class_path": "models.VNet", "init_args": {"dropout": 0.1, "patch_size": (32, 32, 32)}}
    with pytest.raises(ValueError, match=r"another network; dropout: 0\.1 in the checkpoint, 0\.5 here\.$"):
        task.on_load_checkpoint({"network": other})
    task.on_load_checkpoint({"network": task.recipe})


def trainer(folder, epochs, **settings):
    return L.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        default_root_dir=folder,
        use_distributed_sampler=False,
        num_sanity_val_steps=0,
        **settings,
    )


def fit(cohort, folder, epochs, resume=None):
    L.seed_everything(0, verbose=False)
    data = PETMRDataModule(str(cohort.path), folds=2, patch_size=(32, 32, 32))
    network = NETWORKS["vnet"](2, 9, patch_size=(32, 32, 32), width=4)
    task = SegmentationTask(network, data.structures, inference=Inference(SlidingWindow((32, 32, 32))))
    one = trainer(folder, epochs)
    one.fit(task, datamodule=data, ckpt_path=resume, weights_only=True if resume else None)
    one.save_checkpoint(folder / "last.ckpt")
    return task, one


def test_a_resumed_training_ends_with_the_same_weights_though_it_has_dropout(cohort, tmp_path):
    whole, _ = fit(cohort, tmp_path / "whole", 3)
    fit(cohort, tmp_path / "part", 1)
    resumed, one = fit(cohort, tmp_path / "part", 3, tmp_path / "part/last.ckpt")
    assert one.global_step == 3
    for name, value in whole.state_dict().items():
        assert torch.equal(value, resumed.state_dict()[name]), name


def test_validation_logs_the_mean_and_every_structure_seen(cohort, tmp_path):
    _, one = fit(cohort, tmp_path, 1)
    logged = set(one.callback_metrics)
    assert {"val/dice", "val/dice/Cortex", "val/dice/White-Matter", "val/dice/Thalamus"} <= logged
