import lightning as L
import torch

from benchmark.training.stopping import StopAtOnce


def test_ranks_do_not_ask_each_other_before_every_step_whether_to_stop(monkeypatch):
    asked = []
    monkeypatch.setattr(torch.distributed, "broadcast", lambda *args, **settings: asked.append(args))
    trainer = L.Trainer(accelerator="cpu", logger=False, enable_checkpointing=False)
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor()
    assert asked  # by Lightning's loop, whose method is still there
    asked.clear()
    StopAtOnce().on_train_start(trainer, L.LightningModule())
    trainer.fit_loop.epoch_loop._broadcast_sigterm_tensor()
    assert not asked
