import errno
import os
import pickle

import pytest
import torch
from builders.cohorts import make_cohort
from builders.hostile.forged import give_hash
from builders.hostile.limits import largest_file
from builders.tiny_experiment import begin, tiny, weights, work_on

import benchmark.checkpoints
import datamodules.files
from benchmark.checkpoints import SafeCheckpointIO
from benchmark.experiment.run import execute
from benchmark.training.cli import build
from datamodules.files import DiskFullError, read_json


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


class Evil:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return os.mkdir, (str(self.path),)


def save_with_hash(value, path):
    torch.save(value, path)
    give_hash(path)


@pytest.mark.parametrize(
    ("save", "reason"),
    [
        (torch.save, "doesn't end in a hash"),
        (save_with_hash, "could run code"),
        (lambda value, path: path.write_bytes(pickle.dumps(value)), "doesn't end in a hash"),
    ],
)
def test_a_checkpoint_that_would_run_code_is_refused_wherever_one_is_read(cohort, tmp_path, save, reason):
    evil = tmp_path / "evil.ckpt"
    save({"state_dict": Evil(tmp_path / "harm")}, evil)
    folder = begin(tmp_path, tiny(), cohort)
    cli = build(["--config", str(folder.config)], run=False)
    for read in (
        lambda: SafeCheckpointIO().load_checkpoint(evil, weights_only=False),
        lambda: cli.trainer.fit(cli.model, datamodule=cli.datamodule, ckpt_path=str(evil)),
        lambda: cli.trainer.test(cli.model, datamodule=cli.datamodule, ckpt_path=str(evil)),
    ):
        with pytest.raises(ValueError, match=f"evil.ckpt: is no checkpoint that can be read.*{reason}"):
            read()
    assert not (tmp_path / "harm").exists()


def test_a_truncated_checkpoint_is_refused_by_name(tmp_path):
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": {"a": torch.zeros(10000)}}, path)
    path.write_bytes(path.read_bytes()[:-5000])
    with pytest.raises(ValueError, match=r"last.ckpt: is no checkpoint that can be read: it is damaged"):
        SafeCheckpointIO().load_checkpoint(path)


def test_a_checkpoint_that_pytorch_would_read_in_its_oldest_format_is_refused_by_name(tmp_path):
    path = tmp_path / "last.ckpt"
    torch.save({"state_dict": {"a": torch.zeros(10)}}, path)
    path.write_bytes(b"Q" + path.read_bytes()[1:])
    give_hash(path)
    with pytest.raises(ValueError, match=r"last.ckpt: is no checkpoint that can be read.*begin as an archive"):
        SafeCheckpointIO().load_checkpoint(path)


def fit(folder):
    """Train, and nothing else."""
    cli = build(["--config", str(folder.config)], run=False)
    cli.trainer.fit(cli.model, datamodule=cli.datamodule)


def test_last_is_the_last_finished_epoch_though_none_was_better_than_the_first(cohort, tmp_path):
    folder = begin(tmp_path, tiny(model={"learning_rate": 0.0}), cohort)
    fit(folder)
    last, best = (torch.load(folder.checkpoints / f"{name}.ckpt", weights_only=True) for name in ("last", "best"))
    assert (best["epoch"], last["epoch"]) == (0, 2)


def test_a_write_that_falls_short_says_that_the_disk_is_full(tmp_path):
    before = tmp_path / "last.ckpt"
    SafeCheckpointIO().save_checkpoint({"epoch": 1}, before)
    with largest_file(2**16), pytest.raises(DiskFullError, match=r"disk full: .*last\.ckpt: there is no room for it"):
        SafeCheckpointIO().save_checkpoint({"weights": torch.zeros(2**18)}, before)
    assert SafeCheckpointIO().load_checkpoint(before)["epoch"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["last.ckpt"]


def full_disk(*args, **settings):
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize(("module", "name"), [(benchmark.checkpoints.torch, "save"), (datamodules.files.os, "fsync")])
def test_a_full_disk_fails_the_run_and_leaves_what_was_there(cohort, tmp_path, monkeypatch, module, name):
    short, long = tiny(trainer={"max_epochs": 1}), tiny(trainer={"max_epochs": 2})
    folder = begin(tmp_path, short, cohort)
    fit(folder)
    folder.record.unlink()  # else a longer training would be refused here
    before = weights(folder)
    begin(tmp_path, long, cohort)
    with monkeypatch.context() as patch:
        patch.setattr(module, name, full_disk)
        with pytest.raises(OSError, match="disk full: "):
            work_on(folder)
    assert not folder.is_done()
    assert all(torch.equal(value, before[key]) for key, value in weights(folder).items())
    assert not list(folder.path.rglob(".*ckpt"))
    execute(folder)
    assert folder.is_done()


def test_a_data_worker_that_dies_fails_the_run_instead_of_hanging(cohort, tmp_path, monkeypatch):
    def die(*args):
        os._exit(9)

    monkeypatch.setattr(
        benchmark.training.cli.PETMRDataModule.train_dataloader.__globals__["PatchDataset"], "__getitems__", die
    )
    folder = begin(tmp_path, tiny(data={"workers": 1}), cohort)
    with pytest.raises(RuntimeError, match=r"DataLoader worker .* exited unexpectedly"):
        work_on(folder)
    assert read_json(folder.ended)["state"] == "failed"
