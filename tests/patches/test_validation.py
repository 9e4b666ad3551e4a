import pytest
from hypothesis import given
from hypothesis import strategies as st

from datamodules.patches.validation import Validation


@given(size=st.integers(1, 30), count=st.integers(1, 40), seed=st.integers(0, 5))
def test_a_draw_is_a_function_of_the_seed_in_the_parts_order_and_grows_with_its_number(size, count, seed):
    part = [f"s{number:02d}" for number in range(size)]
    drawn = Validation(subjects=count).draw(part, seed)
    assert drawn == Validation(subjects=count).draw(part, seed)
    assert list(drawn) == sorted(set(drawn))
    assert len(drawn) == min(count, size)
    assert set(drawn) <= set(Validation(subjects=count + 1).draw(part, seed))
    assert Validation().draw(part, seed) == tuple(part)


def test_other_seeds_draw_others():
    part = list(map(str, range(20)))
    assert len({Validation(subjects=5).draw(part, seed) for seed in range(10)}) == 10


@pytest.mark.parametrize(("every", "epochs"), [(None, 1), (1, 1), (160, 1), (161, 2), (320, 2), (1000, 7)])
def test_validations_end_epochs_and_are_no_closer_than_asked(every, epochs):
    assert Validation(every=every).epochs(160) == epochs


@pytest.mark.parametrize("setting", ["subjects", "every"])
def test_less_than_one_is_refused(setting):
    with pytest.raises(ValueError, match=f"Validation {setting} is at least 1, or left out; got 0"):
        Validation(**{setting: 0})
