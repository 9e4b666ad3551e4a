import logging
import weakref

import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from monai.inferers import SlidingWindowInferer
from torch import Tensor, nn

from benchmark.labelling.sliding_window import (
    SlidingWindow,
    ensemble,
    foreground_box,
    in_precision,
    mirrored,
    probabilities,
    segment,
    segment_foreground,
)

CLASSES = 7


def small_network(classes: int = CLASSES) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(nn.Conv3d(2, 8, 3, padding=1), nn.Tanh(), nn.Conv3d(8, classes, 3, padding=1)).eval()


def volume(*shape: int, seed: int = 0) -> Tensor:
    return torch.rand((2, *shape), generator=torch.Generator().manual_seed(seed))


@torch.inference_mode()
def average_by_monai(network: nn.Module, image: Tensor, window: SlidingWindow) -> Tensor:
    inferer = SlidingWindowInferer(window.size, window.at_once, window.overlap, window.weights)
    return inferer(image[None], network)[0]


@settings(deadline=None, max_examples=25)
@given(
    shape=st.tuples(*[st.integers(5, 32)] * 3),
    size=st.tuples(*[st.integers(6, 17)] * 3),
    overlap=st.sampled_from([0.0, 0.25, 0.5, 0.6]),
    weights=st.sampled_from(["constant", "gaussian"]),
    batch=st.integers(1, 5),
)
@example(shape=(24, 20, 22), size=(16, 15, 14), overlap=0.8, weights="gaussian", batch=3)
@example(shape=(24, 20, 22), size=(16, 15, 14), overlap=0.8, weights="constant", batch=3)
def test_labels_are_those_of_monai(shape, size, overlap, weights, batch):
    window, network, image = SlidingWindow(size, overlap, weights, batch), small_network(), volume(*shape)
    expected = average_by_monai(network, image, window)
    labels = segment(network, image, CLASSES, window)
    assert labels.dtype == torch.uint8
    assert torch.equal(labels.long(), expected.argmax(0))


@pytest.mark.parametrize("weights", ["constant", "gaussian"])
def test_probabilities_are_the_softmax_of_monais_average(weights):
    window, network, image = SlidingWindow((8, 9, 10), weights=weights), small_network(), volume(17, 12, 7)
    expected = average_by_monai(network, image, window).softmax(0)
    found = probabilities(network, image, CLASSES, window, dtype=torch.float32)
    torch.testing.assert_close(found, expected, rtol=1e-5, atol=1e-6)


def test_the_network_sees_no_more_than_one_batch_of_windows():
    seen = []

    def network(windows: Tensor) -> Tensor:
        seen.append(tuple(windows.shape))
        return windows

    segment(network, volume(20, 20, 20), 2, SlidingWindow((8, 8, 8), batch=3))
    assert {shape[1:] for shape in seen} == {(2, 8, 8, 8)}
    assert max(shape[0] for shape in seen) == 3


@pytest.mark.parametrize(
    "error", [torch.OutOfMemoryError("CUDA out of memory."), RuntimeError("can't allocate memory")]
)
def test_short_memory_halves_the_batch_and_says_so(error, caplog):
    def greedy(windows: Tensor) -> Tensor:
        if len(windows) > 1:
            raise error
        return windows

    image = volume(20, 20, 20)
    with caplog.at_level(logging.WARNING):
        labels = segment(greedy, image, 2, SlidingWindow((8, 8, 8), batch=4))
    assert torch.equal(labels, image.argmax(0))
    assert [record.args for record in caplog.records] == [(4, 2), (2, 1)]


def test_other_errors_of_the_network_are_not_swallowed():
    def broken(windows: Tensor) -> Tensor:
        raise RuntimeError("shapes do not match")

    with pytest.raises(RuntimeError, match="shapes do not match"):
        segment(broken, volume(8, 8, 8), 2, SlidingWindow((8, 8, 8)))


def test_a_network_with_other_classes_is_refused():
    with pytest.raises(ValueError, match="2 classes apart, but the structures are 3"):
        segment(lambda windows: windows, volume(8, 8, 8), 3, SlidingWindow((8, 8, 8)))


def test_the_logits_of_earlier_windows_are_gone_when_the_network_runs():
    earlier = []

    def network(windows: Tensor) -> Tensor:
        assert not any(reference() is not None for reference in earlier)
        logits = windows.clone()
        earlier.append(weakref.ref(logits))
        return logits

    segment(network, volume(40, 8, 8), 2, SlidingWindow((8, 8, 8)))


def test_foreground_box_encloses_every_voxel_above_zero():
    image = torch.zeros(2, 9, 10, 11)
    image[0, 2, 3, 4] = image[1, 5, 3, 8] = 0.1
    assert foreground_box(image) == (slice(2, 6), slice(3, 4), slice(4, 9))
    assert foreground_box(torch.zeros(2, 3, 3, 3)) == (slice(None),) * 3


def test_outside_the_foreground_everything_is_background():
    image = torch.zeros(2, 20, 20, 20)
    image[:, 5:15, 6:16, 7:17] = 1
    labels = segment_foreground(
        lambda windows: windows + torch.tensor([0, 1])[:, None, None, None], image, 2, SlidingWindow((8, 8, 8))
    )
    assert torch.equal(labels, image[0].to(torch.uint8))


def test_mirrored_inference_commutes_with_mirroring_when_labels_swap():
    partners = [0, 2, 1, 3]
    network, window, image = small_network(4), SlidingWindow((8, 8, 8), overlap=0.5), volume(16, 16, 16)
    labels = segment(mirrored(network, partners), image, 4, window)
    reflected = segment(mirrored(network, partners), image.flip(1), 4, window)
    assert torch.equal(torch.tensor(partners)[reflected.flip(0).long()].to(torch.uint8), labels)
    assert not torch.equal(segment(network, image, 4, window), labels)


def test_an_ensemble_averages_logits():
    networks = [lambda windows: windows, lambda windows: 3 * windows]
    torch.testing.assert_close(ensemble(networks)(volume(4, 4, 4)), 2 * volume(4, 4, 4))
    with pytest.raises(ValueError, match="at least one"):
        ensemble([])


@pytest.mark.parametrize("weights", ["constant", "gaussian"])
def test_lower_precision_reaches_the_network_and_not_the_sums(weights):
    network, image = in_precision(small_network(), torch.bfloat16), volume(16, 12, 14)
    window = SlidingWindow((8, 8, 8), 0.75, weights)
    with torch.inference_mode():
        assert network(image[None]).dtype == torch.bfloat16
    exact = average_by_monai(lambda windows: network(windows).float(), image, window)
    assert torch.equal(segment(network, image, CLASSES, window).long(), exact.argmax(0))
    found = probabilities(network, image, CLASSES, window, dtype=torch.float32)
    torch.testing.assert_close(found, exact.softmax(0), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "combine", [lambda network: mirrored(network, range(CLASSES)), lambda network: ensemble([network] * 3)]
)
def test_several_predictions_in_lower_precision_are_averaged_in_float32(combine):
    image = volume(12, 12, 12)[None]
    network = in_precision(small_network(), torch.bfloat16)
    with torch.inference_mode():
        found, exact = combine(network)(image), combine(lambda windows: network(windows).float())(image)
        assert torch.equal(in_precision(combine(network), torch.bfloat16)(image), exact)
    assert torch.equal(found, exact)


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ({"size": (8, 8)}, "three sides"),
        ({"overlap": 1.0}, "overlap"),
        ({"weights": "bell"}, "'constant' or 'gaussian'"),
        ({"batch": 0}, "At least one window"),
    ],
)
def test_impossible_windows_are_refused(setting, message):
    with pytest.raises(ValueError, match=message):
        SlidingWindow(**setting)
