import pytest

from benchmark.bench.inference import bench
from benchmark.labelling.sliding_window import SlidingWindow


@pytest.mark.slow
def test_ours_and_monais_labels_agree_and_both_costs_are_told():
    (name,) = found = bench([(20, 24, 22)], [SlidingWindow((12, 12, 12), weights="gaussian")], classes=5)
    assert name == "20x24x22, 5 classes, gaussian weights"
    assert found[name]["max_difference"] == 0
    for side in ("ours", "peer", "ratio"):
        assert set(found[name][side]) == {"cpu_seconds", "added_mib"}
    assert found[name]["peer"]["cpu_seconds"] > 0
