import lightning as L
import numpy as np
import pandas as pd
import pytest
import torch
from builders.cohorts import make_cohort
from builders.tiny_experiment import begin, tiny
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
from torch._subclasses import FakeTensorMode

from benchmark.labelling.sliding_window import SlidingWindow, segment
from benchmark.labelling.whole_subjects import Inference
from benchmark.training.cli import build
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


def test_a_training_step_reads_nothing_back_from_the_device():
    with FakeTensorMode():  # whose tensors have no values to read
        task = SegmentationTask(torch.nn.Conv3d(2, 3, 1), STRUCTURES)
        label = torch.zeros(2, 4, 4, 4, dtype=torch.uint8)
        batch = {"image": torch.ones(2, 2, 4, 4, 4), "label": label, "subject": ["s3", "s7"]}
        task.training_step(batch, 0).backward()


def small_task(**settings):
    torch.manual_seed(0)
    return SegmentationTask(torch.nn.Conv3d(2, 3, 3, padding=1), STRUCTURES, **settings)


def test_the_optimizer_is_adamw_of_these_settings():
    settings = {"weight_decay": 0.1, "betas": (0.8, 0.95)}
    task, other = small_task(learning_rate=0.01, **settings), small_task()
    plain = torch.optim.AdamW(other.parameters(), 0.01, **settings)
    for optimizer, network in ((task.optimizer(), task.network), (plain, other.network)):
        for step in range(5):
            network.weight.grad, network.bias.grad = network.weight.detach() ** 2 - step, torch.ones(3)
            optimizer.step()
    torch.testing.assert_close(task.network.weight, other.network.weight, rtol=0, atol=1e-6)
    torch.testing.assert_close(task.network.bias, other.network.bias, rtol=0, atol=1e-6)


def test_a_scaled_loss_that_overflows_takes_no_step():
    task = small_task()
    before, optimizer, scaler = task.network.weight.clone(), task.optimizer(), torch.amp.GradScaler("cpu")
    for factor, moved in ((float("inf"), False), (1.0, True)):
        optimizer.zero_grad()
        scaler.scale(task(torch.ones(1, 2, 4, 4, 4)).sum() * factor).backward()
        scaler.unscale_(optimizer)
        scaler.step(optimizer)
        scaler.update()
        assert torch.equal(task.network.weight, before) != moved


def test_gradients_are_clipped_in_half_precision(cohort, tmp_path):
    data = PETMRDataModule(str(cohort.path), folds=2, patch_size=(16, 16, 16), epoch_length=1)
    task = SegmentationTask(torch.nn.Conv3d(2, 9, 1), data.structures, inference=Inference(WINDOW), learning_rate=0.0)
    quiet = {"logger": False, "enable_progress_bar": False, "enable_checkpointing": False, "limit_val_batches": 0}
    clipped = {"precision": "bf16-mixed", "gradient_clip_val": 1e-3}
    trainer = L.Trainer(default_root_dir=tmp_path, accelerator="cpu", max_steps=1, **clipped, **quiet)
    trainer.fit(task, datamodule=data)
    moments = trainer.optimizers[0].state_dict()["state"].values()
    norm = torch.cat([each["exp_avg"].flatten() for each in moments]).norm() / (1 - task.betas[0])
    assert float(norm) == pytest.approx(1e-3, rel=1e-2)


class BreaksAt(torch.nn.Conv3d):
    """Its logits aren't numbers from the given forward pass of training on."""

    def __init__(self, call):
        super().__init__(2, 9, 1)
        self.calls = iter(range(1, 1000))
        self.broken = call

    def forward(self, image):
        bad = self.training and next(self.calls) >= self.broken
        return super().forward(image) * (float("nan") if bad else 1)


@pytest.mark.parametrize("broken", [1, 3, 6])
def test_no_step_after_a_loss_that_is_not_finite_reaches_a_checkpoint(cohort, tmp_path, broken):
    data = PETMRDataModule(str(cohort.path), folds=2, patch_size=(16, 16, 16), epoch_length=12)
    task = SegmentationTask(BreaksAt(broken), data.structures, inference=Inference(WINDOW))
    saved = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=2, save_top_k=-1)
    told = rf"loss is nan at step {broken - 1} on patches of s\d; " + (
        f"{broken - 2} was" if broken > 1 else "it was the"
    )
    with pytest.raises(FloatingPointError, match=told):
        trainer(tmp_path, 2, callbacks=[saved], log_every_n_steps=100).fit(task, datamodule=data)
    assert {path.stem for path in tmp_path.glob("*.ckpt")} == {f"step={step}" for step in (2, 4) if step < broken}


def test_logged_losses_are_means_over_the_steps_since_the_last_time(cohort, tmp_path):
    data = PETMRDataModule(str(cohort.path), folds=2, patch_size=(16, 16, 16), epoch_length=10)
    task = SegmentationTask(torch.nn.Conv3d(2, 9, 1), data.structures, inference=Inference(WINDOW))
    losses, step = [], task.training_step
    task.training_step = lambda *args: losses.append(step(*args)) or losses[-1]
    trainer(tmp_path, 1, logger=CSVLogger(tmp_path, "log"), log_every_n_steps=2).fit(task, datamodule=data)
    logged = pd.read_csv(tmp_path / "log/version_0/metrics.csv")["train/loss"].dropna()
    expected = torch.stack(losses[:4]).detach().view(2, 2).mean(1)
    np.testing.assert_allclose(logged, expected, rtol=1e-5)
    assert task.losses.latest == pytest.approx(losses[4].item())  # of the epoch's last step


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


def test_settings_that_trade_numbers_for_speed_are_set_as_configured(cohort, tmp_path, monkeypatch):
    before = (torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark)
    chosen = tiny(trainer={"benchmark": True, "deterministic": False}, matmul_precision="medium")
    cli = build(["--config", str(begin(tmp_path, chosen, cohort).config)], run=False)
    found = cli.numerics()
    build(["--config", str(begin(tmp_path / "default", tiny(), cohort).config)], run=False)
    assert (found["matmul_precision"], found["deterministic"], found["cudnn_benchmark"]) == ("medium", False, True)
    assert (torch.get_float32_matmul_precision(), torch.backends.cudnn.benchmark) == before
    assert not torch.utils.deterministic.fill_uninitialized_memory


@pytest.mark.parametrize(("processor", "precision"), [("AVX2", "32-true"), ("AVX512", "bf16-mixed")])
def test_a_processor_that_takes_ages_for_half_precision_trains_in_single_and_says_so(
    cohort, tmp_path, monkeypatch, caplog, processor, precision
):
    monkeypatch.setattr(torch.backends.cpu, "get_cpu_capability", lambda: processor)
    chosen = tiny(trainer={"precision": "bf16-mixed"})
    with caplog.at_level("INFO", "benchmark"):
        cli = build(["--config", str(begin(tmp_path, chosen, cohort).config)], run=False)
    assert cli.numerics()["precision"] == precision
    assert ("In single precision instead of bf16-mixed" in caplog.text) == (processor == "AVX2")


def trainer(folder, epochs, **settings):
    return L.Trainer(
        max_epochs=epochs,
        accelerator="cpu",
        logger=settings.pop("logger", False),
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


@pytest.mark.parametrize(("precision", "dtype"), [("bf16-mixed", torch.bfloat16), ("32-true", torch.float32)])
def test_training_validation_and_test_run_in_the_same_precision(cohort, tmp_path, precision, dtype):
    seen = []
    data = PETMRDataModule(str(cohort.path), folds=2, patch_size=(16, 16, 16))
    network = torch.nn.Conv3d(2, 9, 1)
    network.register_forward_hook(
        lambda module, inputs, logits: seen.append((trainer_.state.stage.value, logits.dtype))
    )
    task = SegmentationTask(network, data.structures, inference=Inference(WINDOW))
    trainer_ = trainer(tmp_path, 1, precision=precision)
    trainer_.fit(task, datamodule=data)
    trainer_.test(task, datamodule=data, verbose=False)
    assert set(seen) == {(stage, dtype) for stage in ("train", "validate", "test")}


def test_validation_logs_the_mean_and_every_structure_seen(cohort, tmp_path):
    _, one = fit(cohort, tmp_path, 1)
    logged = set(one.callback_metrics)
    assert {"val/dice", "val/dice/Cortex", "val/dice/White-Matter", "val/dice/Thalamus"} <= logged
