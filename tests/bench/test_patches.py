import pytest

from benchmark.bench.patches import bench


@pytest.mark.slow
def test_both_caches_are_compared_and_the_patches_agree():
    cases = bench(side=48, patch_side=16, subjects=2, visits=2)
    assert {"everything cached", "a tenth cached"} <= set(cases)
    for name in ("everything cached", "a tenth cached"):
        assert 0 < cases[name]["max_difference"] < 1e-3
        assert cases[name]["ratio"]["cpu_seconds"] > 1
