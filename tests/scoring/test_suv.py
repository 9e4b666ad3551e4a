import pytest

from benchmark.scoring.suv import NoSUVError, Scale, activity_scale, suv_scale, uptake_scale

SIDECAR = {
    "Units": "Bq/mL",
    "TracerRadionuclide": "F18",
    "InjectedRadioactivity": 200,
    "InjectedRadioactivityUnits": "MBq",
    "InjectionStart": 0,
    "ImageDecayCorrected": True,
    "ImageDecayCorrectionTime": 0,
}


@pytest.mark.parametrize(
    ("units", "factor"), [("Bq/ml", 1), ("BQML", 1), ("kBq/mL", 1e3), ("KBQ / ML", 1e3), ("MBq/cc", 1e6)]
)
def test_activity_units_are_read_in_any_case(units, factor):
    assert activity_scale({"Units": units}) == Scale("Bq/ml", factor)


@pytest.mark.parametrize("sidecar", [{"Units": "counts"}, {}])
def test_units_that_are_no_activity_are_refused_with_the_choices(sidecar):
    with pytest.raises(ValueError, match=r"Units .*expected an activity concentration, one of bq/cc"):
        uptake_scale(sidecar, 70)


def test_suv_is_activity_over_dose_per_gram():
    assert suv_scale(SIDECAR, 80) == Scale("SUV", pytest.approx(80e3 / 200e6))


def test_suv_of_kilobecquerel_is_a_thousand_times_that():
    assert suv_scale(SIDECAR | {"Units": "kBq/mL"}, 80).factor == pytest.approx(80e6 / 200e6)


@pytest.mark.parametrize("nuclide", ["F18", "18F", "F-18", "[18F]"])
def test_the_dose_decays_to_the_moment_of_decay_correction(nuclide):
    later = SIDECAR | {"ImageDecayCorrectionTime": 6586.2 + 60, "InjectionStart": 60, "TracerRadionuclide": nuclide}
    assert suv_scale(later, 80).factor == pytest.approx(80e3 / 100e6)


@pytest.mark.parametrize("units", ["SUV", "suvbw", "g/ml"])
def test_a_file_of_suv_needs_neither_dose_nor_weight(units):
    assert suv_scale({"Units": units}, None) == Scale("SUV", 1.0)


@pytest.mark.parametrize(
    ("change", "weight", "missing"),
    [
        ({}, None, "body weight"),
        ({}, 0.0, "body weight"),
        ({"InjectedRadioactivity": "n/a"}, 70, "InjectedRadioactivity"),
        ({"InjectedRadioactivity": 0}, 70, "positive InjectedRadioactivity"),
        ({"InjectedRadioactivityUnits": "mCi"}, 70, "InjectedRadioactivityUnits"),
        ({"ImageDecayCorrected": False}, 70, "decay-corrected"),
        ({"ImageDecayCorrectionTime": None}, 70, "ImageDecayCorrectionTime"),
        ({"TracerRadionuclide": "Tc99m"}, 70, "half-life"),
        ({"InjectionStart": float("nan")}, 70, "InjectionStart"),
        ({"InjectedRadioactivity": 10**400}, 70, "InjectedRadioactivity"),
        ({"ImageDecayCorrectionTime": 1e9}, 70, "half-lives"),
        ({"ImageDecayCorrectionTime": -1e9}, 70, "half-lives"),
    ],
)
def test_what_suv_lacks_is_named_and_bq_per_ml_remains(change, weight, missing):
    with pytest.raises(NoSUVError, match=missing):
        suv_scale(SIDECAR | change, weight)
    assert uptake_scale(SIDECAR | change, weight) == Scale("Bq/ml", 1.0)
