import numpy as np
import pytest

from datamodules.volumes.scaling import Scaling


def test_a_fixed_range_is_clipped_to_zero_and_one():
    np.testing.assert_allclose(Scaling.parse("0:200").apply(np.array([-5.0, 50, 300])), [0, 0.25, 1])


def test_percentiles_look_at_voxels_above_zero_only():
    image = np.concatenate([np.zeros(1000), np.arange(1, 102)])
    assert Scaling.parse("p10:p90").limits(image) == (11, 91)


@pytest.mark.parametrize("text", ["", "5", "9:3", "p5:p101", "a:b"])
def test_a_scaling_that_makes_no_sense_is_refused(text):
    with pytest.raises(ValueError, match="Scaling"):
        Scaling.parse(text)


def test_a_scaling_prints_as_it_is_written():
    assert str(Scaling.parse("p0.5:p99.5")) == "p0.5:p99.5"
    assert str(Scaling.parse("0:137919")) == "0:137919"
    for text in ("0:1234567.125", "-12.5:1e-07"):
        assert Scaling.parse(str(Scaling.parse(text))) == Scaling.parse(text)


def test_a_constant_image_has_no_percentile_scaling():
    with pytest.raises(ValueError, match="constant"):
        Scaling.parse("p1:p99").limits(np.full(10, 3.0))
