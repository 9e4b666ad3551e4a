import pytest
import torch
from monai.networks import nets

from models.nested_unet import NestedUNet

FEATURES = (4, 4, 6, 8, 10, 4)


@torch.no_grad()
def test_it_is_the_deepest_output_of_monais_network_and_leaves_out_the_other_heads() -> None:
    ours = NestedUNet(2, 5, patch_size=(32, 32, 32), features=FEATURES).eval()
    theirs = nets.BasicUNetPlusPlus(3, 2, 5, FEATURES, deep_supervision=True).eval()
    left_out = theirs.load_state_dict(ours.network.state_dict(), strict=False).missing_keys
    image = torch.rand(1, 2, 32, 32, 32)
    torch.testing.assert_close(ours(image), theirs(image)[-1])
    assert left_out == [f"final_conv_0_{node}.{part}" for node in (1, 2, 3) for part in ("weight", "bias")]


def test_other_than_six_features_are_refused() -> None:
    with pytest.raises(ValueError, match=r"6 numbers for each of features; got features \(8, 16\)"):
        NestedUNet(2, 5, features=(8, 16))
