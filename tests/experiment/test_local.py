import pytest

from benchmark.experiment.local import gpus, slots


@pytest.mark.parametrize(
    ("devices", "each", "jobs", "expected"),
    [
        ([], 1, None, [None]),
        ([], 1, 3, [None, None, None]),
        (["0", "1"], 1, None, ["0", "1"]),
        (["0", "1"], 1, 4, ["0", "1", "0", "1"]),
        (["0", "1", "2", "3"], 2, None, ["0,1", "2,3"]),
        (["0", "1", "2"], 2, None, ["0,1"]),
        (["0"], 2, None, [None]),
        (["4", "7"], 1, 1, ["4"]),
    ],
)
def test_gpus_are_shared_out_in_groups_of_what_a_run_uses(devices, each, jobs, expected):
    assert slots(devices, each, jobs) == expected


def test_the_gpus_that_may_be_used_are_those_that_the_environment_allows(monkeypatch):
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "2,5")
    assert gpus() == ["2", "5"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus() == []
