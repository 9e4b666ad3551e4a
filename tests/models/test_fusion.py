import math

import pytest
import torch
import torch.nn.functional as F
from builders.fingerprint import assert_matches, fill, fixed_input
from torch import Tensor

from models.parts.fusion import FUSIONS, Attention, CrossAttention, PooledDotProduct, SelfAttention
from models.parts.gate import gated_residual

LEVELS = (2, 4, 6, 8)


def two_features(channels: int, size: tuple[int, int, int]) -> tuple[Tensor, Tensor]:
    first, second = fixed_input(channels, size, batch=2).split(1)
    return first, second


def literal_attention(query: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Softmax(Q K^T / sqrt(C)) V, every score written out: query `[C, N]`, key and value `[C, n]`."""
    weights = (query.T @ key / math.sqrt(len(query))).softmax(dim=-1)
    return (weights @ value.T).T


@torch.no_grad()
def test_gated_attention_computes_what_the_reference_computes() -> None:
    attention = fill(Attention(8, gated_residual))
    x, y = two_features(8, (6, 5, 7))
    assert_matches(attention(x, y), "part_CA_C8_6x5x7")
    assert_matches(attention(x, x), "part_SA_C8_6x5x7")


@torch.no_grad()
@pytest.mark.parametrize("name", ["gated", "dot_product"])
def test_cross_attention_equals_its_two_directions_taken_one_by_one(name: str) -> None:
    fusion = fill(FUSIONS[name](LEVELS)[-1])
    assert isinstance(fusion, CrossAttention)
    x, y = (torch.cat((feature, -feature)) for feature in two_features(8, (4, 4, 4)))
    one_by_one = fusion.merge(fusion.attend(x, y), fusion.attend(y, x))
    torch.testing.assert_close(fusion(x, y), one_by_one, rtol=1e-12, atol=1e-12)


@torch.no_grad()
def test_self_attention_lets_each_modality_see_itself_alone() -> None:
    fusion = fill(FUSIONS["self_attention"](LEVELS)[-1])
    assert isinstance(fusion, SelfAttention)
    x, y = two_features(8, (4, 4, 4))
    one_by_one = fusion.merge(fusion.attend(x, x), fusion.attend(y, y))
    torch.testing.assert_close(fusion(x, y), one_by_one, rtol=1e-12, atol=1e-12)


def test_dot_product_of_single_voxels_is_the_printed_equation() -> None:
    query, key, value = torch.randn(3, 1, 8, 3, 4, 5, dtype=torch.float64)
    expected = literal_attention(*(x.reshape(8, 60) for x in (query, key, value))).reshape(query.shape)
    torch.testing.assert_close(PooledDotProduct(1)(query, key, value, query), query + expected, rtol=1e-12, atol=1e-12)


def test_dot_product_of_blocks_is_the_printed_equation_on_averaged_keys_and_values() -> None:
    query, key, value = torch.randn(3, 1, 8, 4, 6, 8, dtype=torch.float64)
    pooled = (F.avg_pool3d(x, 2).reshape(8, 24) for x in (key, value))
    expected = literal_attention(query.reshape(8, 192), *pooled).reshape(query.shape)
    torch.testing.assert_close(PooledDotProduct(2)(query, key, value, query), query + expected, rtol=1e-12, atol=1e-12)


def test_dot_product_attends_to_the_grid_of_the_deepest_level_at_every_level() -> None:
    blocks = [level.attend.product.block for level in FUSIONS["dot_product"](LEVELS)]
    assert blocks == [8, 4, 2, 1]


def test_addition_adds_and_bottleneck_adds_all_but_the_deepest() -> None:
    x, y = two_features(4, (3, 3, 3))
    for level in (*FUSIONS["addition"](LEVELS), *FUSIONS["bottleneck"](LEVELS)[:-1]):
        assert torch.equal(level(x, y), x + y)
    assert isinstance(FUSIONS["bottleneck"](LEVELS)[-1], CrossAttention)


@torch.no_grad()
@pytest.mark.parametrize("name", FUSIONS)
def test_every_fusion_keeps_shape_and_needs_both_modalities(name: str) -> None:
    torch.manual_seed(0)
    for channels, level in zip(LEVELS, FUSIONS[name](LEVELS), strict=True):
        x, y = torch.randn(2, 1, channels, 8, 8, 16)
        fused = level(x, y)
        assert fused.shape == x.shape
        assert not torch.allclose(fused, level(x, torch.zeros_like(y)))
        assert not torch.allclose(fused, level(torch.zeros_like(x), y))
