"""From the numbers in a PET file to becquerel per millilitre, and to standardised uptake values where possible.

SUV = activity concentration / (injected dose / body weight), with the dose decayed to the moment to which the image is
decay-corrected, and a millilitre of body taken as a gram. Keys are those of the PET-BIDS sidecar.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from datamodules.volumes.sidecar import is_number
from datamodules.volumes.units import ACTIVITIES, ACTIVITY, BECQUEREL, SUV, SUV_UNITS, compact

_HALF_LIVES_S = {
    "f18": 6586.2,
    "c11": 1221.8,
    "n13": 597.9,
    "o15": 122.2,
    "ga68": 4062.6,
    "cu64": 45723.6,
    "zr89": 282276.0,
}
_MOST_HALF_LIVES = 50.0  # 1e-15 of the dose: such times are no record of a scan


class NoSUVError(ValueError):
    """The sidecar or the participant's record lacks what SUV needs."""


@dataclass(frozen=True)
class Scale:
    """What the voxel values of a PET file are multiplied by, and the unit that they then have."""

    unit: str
    factor: float


def activity_scale(sidecar: Mapping[str, Any]) -> Scale:
    """Scale to Bq/ml.

    Raises:
        ValueError: If the sidecar's "Units" are no activity concentration.
    """
    units = compact(sidecar.get("Units", ""))
    if units not in ACTIVITIES:
        raise ValueError(
            f"The PET sidecar has Units {sidecar.get('Units')!r}; expected an activity concentration, one of "
            f"{', '.join(sorted(ACTIVITIES))} in any case, or SUV."
        )
    return Scale(ACTIVITY, ACTIVITIES[units])


def suv_scale(sidecar: Mapping[str, Any], weight_kg: float | None) -> Scale:
    """Scale to SUV.

    Args:
        sidecar: PET-BIDS JSON sidecar.
        weight_kg: Body weight, None where it is unknown; not needed where the file holds SUV already.

    Raises:
        NoSUVError: If dose, weight or decay are not told; the message names what is missing.
        ValueError: If the sidecar's "Units" are unknown.
    """
    if compact(sidecar.get("Units", "")) in SUV_UNITS:
        return Scale(SUV, 1.0)
    activity = activity_scale(sidecar)
    if weight_kg is None or not weight_kg > 0:
        raise NoSUVError(f"SUV needs the body weight in kg of the participant, found {weight_kg}.")
    dose_bq = _dose_bq(sidecar) * _decay(sidecar)
    return Scale(SUV, activity.factor * weight_kg * 1000 / dose_bq)


def uptake_scale(sidecar: Mapping[str, Any], weight_kg: float | None) -> Scale:
    """Scale to SUV where sidecar and weight allow, else to Bq/ml.

    Raises:
        ValueError: If the sidecar's "Units" are unknown.
    """
    try:
        return suv_scale(sidecar, weight_kg)
    except NoSUVError:
        return activity_scale(sidecar)


def _dose_bq(sidecar: Mapping[str, Any]) -> float:
    dose = _number(sidecar, "InjectedRadioactivity")
    units = compact(sidecar.get("InjectedRadioactivityUnits", ""))
    if units not in BECQUEREL:
        raise NoSUVError(
            f"SUV needs the InjectedRadioactivityUnits {', '.join(BECQUEREL)} in any case, "
            f"found {sidecar.get('InjectedRadioactivityUnits')!r}."
        )
    if not dose > 0:
        raise NoSUVError(f"SUV needs a positive InjectedRadioactivity, found {dose}.")
    return dose * BECQUEREL[units]


def _decay(sidecar: Mapping[str, Any]) -> float:
    """Share of the injected dose that is left at the moment to which the image is decay-corrected."""
    if sidecar.get("ImageDecayCorrected") is not True:
        raise NoSUVError("SUV needs an image that is decay-corrected (ImageDecayCorrected true in the sidecar).")
    elapsed_s = _number(sidecar, "ImageDecayCorrectionTime") - _number(sidecar, "InjectionStart")
    nuclide = _nuclide(str(sidecar.get("TracerRadionuclide")))
    if nuclide not in _HALF_LIVES_S:
        raise NoSUVError(
            f"SUV needs the half-life of TracerRadionuclide {sidecar.get('TracerRadionuclide')!r}; "
            f"known are {', '.join(_HALF_LIVES_S)}."
        )
    half_lives = elapsed_s / _HALF_LIVES_S[nuclide]
    if not abs(half_lives) < _MOST_HALF_LIVES:
        raise NoSUVError(
            f"SUV needs an InjectionStart and an ImageDecayCorrectionTime between which something is left of "
            f"{sidecar.get('TracerRadionuclide')}; found {elapsed_s:g} s, which is {half_lives:.3g} half-lives."
        )
    return float(2**-half_lives)


def _nuclide(name: str) -> str:
    """Element before mass, whichever way it is written: "F18", "18F" and "[F-18]" are one."""
    return "".join(re.findall(r"[a-z]+", name.lower()) + re.findall(r"\d+", name))


def _number(sidecar: Mapping[str, Any], key: str) -> float:
    value: Any = sidecar.get(key)
    if not is_number(value):
        raise NoSUVError(f"SUV needs a number as {key} in the PET sidecar, found {value!r}.")
    return float(value)
