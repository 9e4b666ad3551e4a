import torch
import torch.distributed as dist
from builders.ranks import of_two_ranks
from builders.small_networks import SMALL, SMALL_PATCH
from torch import nn

from benchmark.training.batch_norm import SharedBatchNorm, share_batch_norm
from models import NETWORKS

SHAPE = (4, 3, 5, 6, 7)


SETTINGS = ({}, {"momentum": None}, {"affine": False, "track_running_stats": False})


def data():
    """An image whose mean is far from 0, and what its output is weighed with."""
    generator = torch.Generator().manual_seed(0)
    image, weight = (torch.randn(SHAPE, generator=generator, dtype=torch.float64) for _ in range(2))
    return 100 + image, weight


def step(settings, image, weight, share=lambda network: network):
    """What one step gives: the output, gradients of the mean loss, running statistics."""
    torch.manual_seed(0)
    network = share(nn.Sequential(nn.Conv3d(3, 3, 1), nn.BatchNorm3d(3, **settings)).double())
    normal = network(image)
    (normal * weight).mean().backward()
    return normal.detach(), [parameter.grad for parameter in network.parameters()], list(network.buffers())


def steps_of_rank(rank: int):
    own = [tensor[2 * rank : 2 * rank + 2] for tensor in data()]
    return [step(settings, *own, share_batch_norm) for settings in SETTINGS]


def test_two_ranks_normalise_like_one_with_all_patches(tmp_path):
    steps = zip(*of_two_ranks(steps_of_rank, tmp_path), strict=True)
    for settings, (one, other) in zip(SETTINGS, steps, strict=True):
        normal, gradients, buffers = step(settings, *data())
        torch.testing.assert_close(torch.cat([one[0], other[0]]), normal)
        torch.testing.assert_close([(a + b) / 2 for a, b in zip(one[1], other[1], strict=True)], gradients)
        torch.testing.assert_close(one[2], buffers)
        torch.testing.assert_close(other[2], buffers)


def test_half_precision_is_normalised_in_float32(tmp_path):
    dist.init_process_group("gloo", f"file://{tmp_path / 'meeting'}", rank=0, world_size=1)
    image = data()[0].bfloat16().requires_grad_()
    normal = share_batch_norm(nn.BatchNorm3d(3))(image)
    (normal.float() * data()[1]).sum().backward()
    dist.destroy_process_group()
    expected = nn.BatchNorm3d(3)(image.detach().float())
    torch.testing.assert_close(normal.float(), expected, rtol=1e-2, atol=1e-2)
    assert (normal.dtype, image.grad.dtype) == (torch.bfloat16, torch.bfloat16)


def test_parameters_and_names_stay_and_evaluation_needs_no_other_rank():
    network = nn.Sequential(nn.Conv3d(2, 3, 1), nn.InstanceNorm3d(3), nn.BatchNorm3d(3)).eval()
    names, weight, image = list(network.state_dict()), network[2].weight, torch.rand(2, 2, 4, 4, 4)
    before = network(image)
    shared = share_batch_norm(network)
    assert list(shared.state_dict()) == names and shared[2].weight is weight
    assert isinstance(shared[2], SharedBatchNorm) and isinstance(shared[1], nn.InstanceNorm3d)
    assert torch.equal(shared(image), before)


def test_the_networks_that_share_statistics_are_those_that_this_suite_says():
    def shares(name):
        network = share_batch_norm(NETWORKS[name](2, 3, patch_size=SMALL_PATCH, **SMALL[name]))
        return any(isinstance(module, SharedBatchNorm) for module in network.modules())

    assert [name for name in NETWORKS if shares(name)] == ["unet3d", "res_unet", "vnet"]
