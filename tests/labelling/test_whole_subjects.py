import pytest
import torch
from builders.cohorts import make_cohort
from builders.small_networks import SMALL, SMALL_PATCH

from benchmark.labelling.sliding_window import SlidingWindow, foreground_box, mirrored, segment
from benchmark.labelling.whole_subjects import Inference, entropy, label_subject, subject_probabilities
from benchmark.training.task import SegmentationTask
from models import NETWORKS

WINDOW = SlidingWindow((8, 8, 8))
PARTNERS = (0, 2, 1)


@pytest.fixture
def network():
    torch.manual_seed(0)
    return torch.nn.Conv3d(2, 3, 3, padding=1).requires_grad_(False)


@pytest.fixture
def image():
    image = torch.zeros(2, 14, 12, 10)
    image[:, 3:12, 2:10, 1:9] = torch.rand(2, 9, 8, 8, generator=torch.Generator().manual_seed(1))
    return image


def test_the_default_is_a_plain_sliding_window(network, image):
    labels = label_subject(network, image, PARTNERS, Inference(WINDOW))
    assert torch.equal(labels, segment(network, image, 3, WINDOW))
    assert Inference().window == SlidingWindow((96, 96, 96), overlap=0.25, weights="constant")


def test_mirroring_commutes_with_the_mirror_image_of_a_subject(network):
    image = torch.rand(2, 14, 12, 10, generator=torch.Generator().manual_seed(1))  # no two voxels alike: no ties
    settings = Inference(SlidingWindow((14, 12, 10)), mirror=True)
    labels = label_subject(network, image, PARTNERS, settings)
    reflected = label_subject(network, image.flip(1), PARTNERS, settings)
    assert torch.equal(torch.tensor(PARTNERS)[reflected.flip(0).long()], labels.long())
    assert torch.equal(labels, segment(mirrored(network, PARTNERS), image, 3, settings.window))
    assert not torch.equal(labels, segment(network, image, 3, settings.window))


def test_outside_the_foreground_is_background(network, image):
    labels = label_subject(network, image, PARTNERS, Inference(WINDOW, foreground=True))
    assert not labels[:3].any()
    assert labels[3:12].any()


def test_settings_survive_a_checkpoint():
    settings = Inference(SlidingWindow((8, 16, 24), weights="gaussian"), foreground=True, mirror=True)
    assert Inference.from_dict(settings.to_dict()) == settings


def test_a_task_that_mirrors_wants_to_know_the_partners(network):
    with pytest.raises(ValueError, match="needs the partners"):
        SegmentationTask(network, ("background", "left", "right"), inference=Inference(WINDOW, mirror=True))


def test_validation_and_test_label_as_the_settings_say(network, image):
    settings = Inference(WINDOW, foreground=True, mirror=True)
    task = SegmentationTask(network, ("background", "left", "right"), PARTNERS, settings)
    batch = {"image": image[None], "label": torch.zeros(1, 14, 12, 10, dtype=torch.uint8), "subject": ["s"]}
    expected = label_subject(network, image, PARTNERS, settings)
    assert torch.equal(task.test_step(batch, 0), expected)
    assert torch.equal(task.validation_step(batch, 0), expected)


@pytest.mark.parametrize("name", NETWORKS)
def test_labels_do_not_depend_on_how_many_windows_go_at_once(name):
    torch.manual_seed(0)
    network = NETWORKS[name](2, 5, patch_size=SMALL_PATCH, **SMALL[name]).eval()
    image = torch.rand(2, 40, 44, 32, generator=torch.Generator().manual_seed(1))
    together, alone = SlidingWindow(SMALL_PATCH), SlidingWindow(SMALL_PATCH, batch=1)
    assert together.at_once == 54
    assert torch.equal(segment(network, image, 5, together), segment(network, image, 5, alone))


def test_a_batch_of_windows_has_the_voxels_of_the_papers_two():
    assert [SlidingWindow((side,) * 3).at_once for side in (96, 64, 128)] == [2, 6, 1]


def test_a_prepared_subject_is_its_own_foreground_so_that_cutting_to_it_again_changes_nothing(tmp_path):
    cohort = make_cohort(tmp_path, subjects=3)
    for subject in cohort.subjects:
        image = torch.from_numpy(cohort.images(subject)).float()
        assert image[:, *foreground_box(image)].shape == image.shape


def test_entropy_is_none_where_a_network_is_certain_and_whole_where_it_knows_nothing():
    shares = torch.tensor([[1.0, 0.25], [0.0, 0.25], [0.0, 0.25], [0.0, 0.25]]).half().view(4, 2, 1, 1)
    torch.testing.assert_close(entropy(shares).flatten(), torch.tensor([0.0, 1.0]), atol=1e-3, rtol=0)


def test_probabilities_are_those_of_the_labels_and_follow_mirror_images():
    network, image = torch.nn.Conv3d(1, 3, 3, padding=1), torch.rand(1, 9, 8, 7)
    for mirror in (False, True):
        inference = Inference(SlidingWindow((8, 8, 8)), mirror=mirror)
        with torch.inference_mode():
            shares = subject_probabilities(network, image, (0, 2, 1), inference)
            labels = label_subject(network, image, (0, 2, 1), inference)
        torch.testing.assert_close(shares.float().sum(0), torch.ones(9, 8, 7), atol=2e-3, rtol=0)
        assert (shares.argmax(0) == labels).float().mean() > 0.98
