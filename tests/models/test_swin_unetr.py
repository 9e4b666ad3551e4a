import pytest
import torch
from monai.networks import nets

from models.swin_unetr import SwinUNETR

SMALL = {"feature_size": 12, "window_size": 4}


def test_it_is_monais_network_of_the_settings_given() -> None:
    ours = SwinUNETR(2, 5, patch_size=(64, 64, 64), **SMALL)
    theirs = nets.SwinUNETR(2, 5, **SMALL)
    shapes = {name: tensor.shape for name, tensor in ours.network.state_dict().items()}
    assert shapes == {name: tensor.shape for name, tensor in theirs.state_dict().items()}


def test_a_patch_of_32_voxels_is_refused_with_instance_normalisation() -> None:
    with pytest.raises(ValueError, match=r"at least 64 voxels; got \(32, 32, 32\)\. Nearest valid: \(64, 64, 64\)"):
        SwinUNETR(2, 5, patch_size=(32, 32, 32), **SMALL)


def test_a_patch_of_32_voxels_trains_with_group_normalisation() -> None:
    network = SwinUNETR(2, 5, patch_size=(32, 32, 32), norm=("group", {"num_groups": 4}), **SMALL).train()
    assert network(torch.rand(1, 2, 32, 32, 32)).std() > 0


def test_a_feature_size_that_the_heads_do_not_divide_is_named() -> None:
    with pytest.raises(ValueError, match="multiple of 12, such as 48; got 20"):
        SwinUNETR(2, 5, feature_size=20)
