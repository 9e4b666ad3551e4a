from collections import Counter
from dataclasses import replace

import pytest

from datamodules.patches.augmentation import Augmentation
from datamodules.patches.draws import PatchKey, candidate_centres, draw_patch, subject_order

PAPER = Augmentation()


def draws(count: int, *, seed: int = 0, epoch: int = 0, subjects: int = 10, augmentation: Augmentation = PAPER) -> list:
    return [draw_patch(PatchKey(seed, epoch, index), subjects, augmentation) for index in range(count)]


def test_a_draw_depends_on_its_key_alone():
    forwards = draws(20)
    backwards = [draw_patch(PatchKey(0, 0, index), 10, PAPER) for index in reversed(range(20))]
    assert forwards == backwards[::-1]


@pytest.mark.parametrize("changed", [{"seed": 1}, {"epoch": 1}])
def test_seed_and_epoch_change_draws_and_order(changed):
    assert [draw.angle for draw in draws(20)] != [draw.angle for draw in draws(20, **changed)]
    assert [draw.subject for draw in draws(20)] != [draw.subject for draw in draws(20, **changed)]


def test_an_epoch_visits_every_subject_twice_in_a_row():
    subjects = [draw.subject for draw in draws(20)]
    assert subjects[::2] == subjects[1::2]
    assert sorted(subjects[::2]) == list(range(10))


def test_a_long_epoch_goes_on_with_further_permutations():
    visits = Counter(draw.subject for draw in draws(60))
    assert set(visits.values()) == {6}
    assert subject_order(0, 0, 0, 10).tolist() != subject_order(0, 0, 1, 10).tolist()


def test_draws_stay_within_the_papers_ranges_and_reach_most_of_them():
    many = draws(2000)
    angles, offsets = [draw.angle for draw in many], [draw.intensity.shift for draw in many]
    scales = [scale for draw in many for scale in draw.scales]
    assert 0.95 * PAPER.rotation < max(map(abs, angles)) <= PAPER.rotation
    assert 0.9 <= min(scales) < 0.91 and 1.09 < max(scales) <= 1.1
    assert 0.095 < max(map(abs, offsets)) <= 0.1
    assert 0.45 < sum(offset != 0 for offset in offsets) / 2000 < 0.55
    assert 0.45 < sum(draw.positive for draw in many) / 2000 < 0.55


def test_what_the_paper_does_not_do_is_off():
    for draw in draws(200):
        assert not draw.mirror
        assert replace(draw.intensity, shift=0, noise_seed=0) == type(draw.intensity)()


def test_switching_one_transform_on_moves_no_other_draw():
    settings = Augmentation(noise=0.1, blur=1, contrast=0.3, low_resolution=2, mirror_probability=0.5)
    plain, varied = draws(200), draws(200, augmentation=settings)
    assert [(d.subject, d.angle, d.scales, d.intensity.shift) for d in plain] == [
        (d.subject, d.angle, d.scales, d.intensity.shift) for d in varied
    ]
    assert 0.1 < sum(draw.intensity.blur > 0 for draw in varied) / 200 < 0.2
    assert 0.4 < sum(draw.mirror for draw in varied) / 200 < 0.6


def test_candidate_centres_cover_the_volume():
    centres = candidate_centres(PatchKey(0, 0, 0), (4, 5, 6), 2000)
    assert centres.min(0).tolist() == [0, 0, 0] and centres.max(0).tolist() == [3, 4, 5]
