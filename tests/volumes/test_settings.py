from datamodules.volumes.frames import Frames
from datamodules.volumes.scaling import Scaling
from datamodules.volumes.settings import PrepareSettings


def test_settings_come_back_from_their_description():
    settings = PrepareSettings(
        protocol="coarse9",
        scaling={"pet": Scaling(0.5, 99.5, percentile=True), "mr": Scaling(0, 255)},
        spacing=1.5,
        frames=Frames(3, 7),
        nan_to_zero=True,
    )
    assert PrepareSettings.from_dict(settings.describe(["pet", "mr"])) == settings


def test_defaults_come_back_resolved():
    settings = PrepareSettings.from_dict(PrepareSettings().describe(["pet", "flair"]))
    assert settings.scaling == {"pet": Scaling(0, 137919), "flair": Scaling(0.5, 99.5, percentile=True)}
    assert settings.frames is None
