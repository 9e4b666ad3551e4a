import pytest
import torch
from builders.cohorts import make_cohort
from builders.trained import train

from benchmark.__main__ import main
from benchmark.checkpoints import SafeCheckpointIO
from benchmark.labelling.trained import load_trained
from benchmark.sharing.shrink import shrink


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory):
    folder = tmp_path_factory.mktemp("data")
    return train(make_cohort(folder), folder)


def test_a_network_that_is_given_away_is_small_and_labels_alike(checkpoint, tmp_path):
    size = shrink(checkpoint, tmp_path / "new folder" / "small.ckpt")
    assert size == (tmp_path / "new folder" / "small.ckpt").stat().st_size < checkpoint.stat().st_size / 3
    whole, small = load_trained(checkpoint), load_trained(tmp_path / "new folder" / "small.ckpt")
    assert {weight.dtype for weight in small.bare.parameters()} == {torch.float32}
    window = torch.rand(1, 2, 16, 16, 16, generator=torch.Generator().manual_seed(0))
    logits = whole.network(window)
    assert not torch.equal(small.network(window), logits)
    torch.testing.assert_close(small.network(window), logits, rtol=0, atol=0.01 * logits.std().item())
    assert small.contract == whole.contract and small.inference == whole.inference


def test_tensors_that_half_precision_cannot_hold_stay_whole(checkpoint, tmp_path):
    held = SafeCheckpointIO().load_checkpoint(checkpoint)
    name = next(name for name in held["state_dict"] if name.endswith("running_var"))
    held["state_dict"][name][0] = 1e6
    SafeCheckpointIO().save_checkpoint(held, tmp_path / "large.ckpt")
    shrink(tmp_path / "large.ckpt", tmp_path / "small.ckpt")
    small = SafeCheckpointIO().load_checkpoint(tmp_path / "small.ckpt")["state_dict"]
    assert torch.equal(small[name], held["state_dict"][name])
    assert sum(tensor.dtype == torch.float32 for tensor in small.values()) == 1


def test_the_verb_shrinks_and_says_what_comes_next(checkpoint, tmp_path, capsys):
    main(["shrink", str(checkpoint), str(tmp_path / "my net.ckpt")])
    assert f" MB. Next: petmr predict --checkpoint '{tmp_path}/my net.ckpt' --mr ..." in capsys.readouterr().out
