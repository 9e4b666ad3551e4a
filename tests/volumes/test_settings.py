import pytest

from datamodules.volumes.frames import Frames
from datamodules.volumes.scaling import Scaling
from datamodules.volumes.settings import PrepareSettings


def test_settings_come_back_from_their_description():
    settings = PrepareSettings(
        protocol="coarse9",
        scaling={"pet": Scaling(0.5, 99.5, percentile=True), "mr": Scaling(0, 255)},
        spacing=(1.5, 1.5, 1.0),
        frames=Frames(3, 7),
        nan_to_zero=True,
    )
    assert PrepareSettings.from_dict(settings.describe(["pet", "mr"])) == settings


def test_one_scaling_stands_for_every_modality_that_is_not_named():
    settings = PrepareSettings.parse(scaling="p1:p99")
    assert settings.scaling_of("pet") == settings.scaling_of("flair") == Scaling(1, 99, percentile=True)
    settings = PrepareSettings.parse(scaling='{"*": "p1:p99", "mr": "0:255"}')
    assert settings.scaling_of("mr") == Scaling(0, 255)


@pytest.mark.parametrize(
    ("text", "spacing"), [("2", (2.0, 2.0, 2.0)), ("1x1.5x2", (1.0, 1.5, 2.0)), ("0.9", (0.9, 0.9, 0.9))]
)
def test_voxel_sides_are_one_number_or_three(text, spacing):
    assert PrepareSettings.parse(spacing=text).spacing == spacing


@pytest.mark.parametrize("text", ["1x2", "a", "1x1x1x1"])
def test_other_voxel_sides_are_refused(text):
    with pytest.raises(ValueError, match=f"spacing '{text}' isn't understood: write 1 for cubes"):
        PrepareSettings.parse(spacing=text)
