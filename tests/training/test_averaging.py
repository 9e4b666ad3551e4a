import pickle

import pytest
import torch
from builders.cohorts import make_cohort
from builders.tiny_experiment import assert_same_result, begin, tiny

import benchmark.training.task
from benchmark.experiment.run import execute
from benchmark.labelling.trained import load_trained
from benchmark.runs.folder import RunFolder
from benchmark.training.averaging import ExponentialAverage

MODERN = {
    "model": {"schedule": {"decay": "polynomial", "warmup": 0.2}},
    "trainer": {
        "gradient_clip_val": 0.5,
        "callbacks": [{"class_path": "benchmark.training.averaging.ExponentialAverage", "init_args": {"decay": 0.9}}],
    },
}


class Killed(BaseException):
    """Ends a process wherever it is, as far as files can tell."""


@pytest.fixture(scope="module")
def cohort(tmp_path_factory):
    return make_cohort(tmp_path_factory.mktemp("data"), subjects=4)


def modern():
    return tiny(settings={"norm": "batch"}, **MODERN)


@pytest.fixture(scope="module")
def undisturbed(cohort, tmp_path_factory) -> RunFolder:
    folder = begin(tmp_path_factory.mktemp("runs"), modern(), cohort)
    execute(folder)
    return folder


def checkpoint(folder: RunFolder, name: str) -> dict:
    loaded: dict = torch.load(folder.checkpoints / f"{name}.ckpt", weights_only=True)
    return loaded


def test_a_checkpoint_holds_the_average_and_beside_it_what_training_goes_on_with_as_plain_tensors(undisturbed):
    best = checkpoint(undisturbed, "best")
    current = best["current_model_state"]
    assert current.keys() == best["state_dict"].keys()
    assert not torch.equal(current["network.layers.0.weight"], best["state_dict"]["network.layers.0.weight"])
    assert all(isinstance(value, torch.Tensor) for value in (*current.values(), *best["averaging_state"].values()))


def test_the_test_and_predictions_use_the_average(undisturbed):
    best = checkpoint(undisturbed, "best")["state_dict"]
    network = load_trained(undisturbed.checkpoints / "best.ckpt", trusted=["builders.tiny_experiment.TinyNet"]).network
    assert torch.equal(network.layers[0].weight, best["network.layers.0.weight"])


def test_what_is_tested_is_the_checkpoints_average(cohort, undisturbed, tmp_path, monkeypatch):
    tested = []
    label = benchmark.training.task.label_subject

    def noted(network, *args):
        tested.append(network.layers[0].weight.clone())
        return label(network, *args)

    folder = begin(tmp_path, modern(), cohort)
    monkeypatch.setattr(benchmark.training.task, "label_subject", noted)
    execute(folder)
    best = checkpoint(folder, "best")
    assert torch.equal(tested[-1], best["state_dict"]["network.layers.0.weight"])
    assert not torch.equal(tested[-1], best["current_model_state"]["network.layers.0.weight"])
    validated = [weight for weight in tested if torch.equal(weight, best["state_dict"]["network.layers.0.weight"])]
    assert len(validated) > 2  # the test's two subjects, and the validation that made this epoch the best


@pytest.mark.parametrize("call", [3, 6])
def test_a_modern_training_that_dies_goes_on_to_the_same_bits(cohort, undisturbed, tmp_path, monkeypatch, call):
    folder = begin(tmp_path, modern(), cohort)
    original, calls = benchmark.training.task.dice_ce_losses, iter(range(1, 100))

    def dying(*args):
        if next(calls) == call:
            raise Killed
        return original(*args)

    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(benchmark.training.task, "dice_ce_losses", dying)
        execute(folder)
    execute(folder)
    assert_same_result(folder, undisturbed)
    one, other = checkpoint(folder, "best"), checkpoint(undisturbed, "best")
    for key, value in other["current_model_state"].items():
        assert torch.equal(one["current_model_state"][key], value), key
    assert one["lr_schedulers"] == other["lr_schedulers"]


def test_the_average_is_exponential_once_the_first_steps_are_left_behind():
    average = ExponentialAverage(decay=0.9)._kwargs["avg_fn"]
    mean, values = torch.tensor(5.0), torch.rand(200, generator=torch.Generator().manual_seed(0))
    for number, value in enumerate(values):
        mean = average(mean, value, torch.tensor(number))
    expected = sum(0.1 * 0.9**age * value for age, value in enumerate(values.flip(0)))
    torch.testing.assert_close(mean, expected, atol=1e-4, rtol=0)
    assert average(torch.tensor(5.0), torch.tensor(1.0), 0) == pytest.approx(0.1 * 5 + 0.9)


def test_an_impossible_decay_is_refused():
    with pytest.raises(ValueError, match=r"a share in \[0, 1\), got 1"):
        ExponentialAverage(decay=1.0)


def test_an_average_can_be_sent_to_another_process():
    sent = pickle.loads(pickle.dumps(ExponentialAverage(decay=0.9)))
    assert sent._kwargs["avg_fn"](torch.tensor(0.0), torch.tensor(1.0), 10**6) == pytest.approx(0.1)
