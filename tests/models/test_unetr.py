import pytest
import torch
from monai.networks import nets

from models.unetr import UNETR

PATCH = (32, 16, 48)
SMALL = {"feature_size": 4, "hidden_size": 24, "mlp_dim": 48, "num_heads": 4}


@torch.no_grad()
def test_it_computes_what_monai_computes_without_the_weights_that_monai_never_uses() -> None:
    ours = UNETR(2, 5, patch_size=PATCH, **SMALL).eval()
    theirs = nets.UNETR(2, 5, img_size=PATCH, proj_type="perceptron", **SMALL).eval()
    left_out = theirs.load_state_dict(ours.network.state_dict(), strict=False).missing_keys
    image = torch.rand(1, 2, *PATCH)
    torch.testing.assert_close(ours(image), theirs(image))
    assert len(left_out) == 12 * 2
    assert all("norm_cross_attn" in name for name in left_out)


def test_another_input_size_is_refused_with_both_sizes_named() -> None:
    network = UNETR(2, 5, patch_size=PATCH, **SMALL)
    with pytest.raises(ValueError, match=r"built for patches of \(32, 16, 48\) voxels and got \(32, 32, 32\)"):
        network(torch.rand(1, 2, 32, 32, 32))


def test_a_hidden_size_that_the_heads_do_not_divide_is_named() -> None:
    with pytest.raises(ValueError, match="got 50 for 4 heads"):
        UNETR(2, 5, hidden_size=50, num_heads=4)


def test_the_smallest_patch_it_declares_trains() -> None:
    network = UNETR(1, 2, patch_size=(16, 16, 16), **SMALL).train()
    assert network(torch.rand(1, 1, 16, 16, 16)).std() > 0
