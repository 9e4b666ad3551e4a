import pytest
from monai.networks.nets.mednext import create_mednext

from models.mednext import MedNeXt

PUBLISHED = {
    "S": {"expansion": (2, 2, 2, 2, 2), "blocks": (2, 2, 2, 2, 2)},
    "B": {"blocks": (2, 2, 2, 2, 2)},
    "M": {},
    "L": {"expansion": (3, 4, 8, 8, 8), "blocks": (3, 4, 8, 8, 8)},
}


@pytest.mark.parametrize("variant", PUBLISHED)
def test_its_settings_reach_every_published_variant_and_default_to_m(variant: str) -> None:
    ours = MedNeXt(2, 45, **PUBLISHED[variant])
    theirs = create_mednext(variant, in_channels=2, out_channels=45, kernel_size=3)
    shapes = {name: tensor.shape for name, tensor in ours.network.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in theirs.state_dict().items()}


def test_other_than_five_levels_are_refused() -> None:
    with pytest.raises(ValueError, match=r"5 numbers for each of expansion, blocks; got .*blocks \(2, 2, 2\)"):
        MedNeXt(2, 45, blocks=(2, 2, 2))
