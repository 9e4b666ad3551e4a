import torch
from torch import Tensor, nn

from models.res_unet import ResUNet

PATCH = (16, 16, 32)


def small(**settings: object) -> ResUNet:
    return ResUNet(2, 5, patch_size=PATCH, widths=(4, 6, 8, 10), **settings)


def norm(channels: int) -> int:
    return 2 * channels


def convolution(inputs: int, outputs: int, kernel: int = 3) -> int:
    return inputs * outputs * kernel**3 + outputs


def unit(inputs: int, width: int, skip_kernel: int) -> int:
    body = norm(inputs) + convolution(inputs, width) + norm(width) + convolution(width, width)
    return body + convolution(inputs, width, skip_kernel) + norm(width)


def by_hand(skip_kernel: int) -> int:
    """Parameters of the layout in Zhang et al., table 1, in three dimensions."""
    stem = convolution(2, 4) + norm(4) + convolution(4, 4) + convolution(2, 4, skip_kernel)
    down = sum(unit(a, b, skip_kernel) for a, b in ((4, 6), (6, 8), (8, 10)))
    up = sum(convolution(c, c, 2) for c in (10, 8, 6))
    decoder = sum(unit(a + b, b, skip_kernel) for a, b in ((10, 8), (8, 6), (6, 4)))
    return stem + down + up + decoder + convolution(4, 5, 1)


def test_parameters_are_those_counted_by_hand() -> None:
    for skip_kernel in (1, 3):
        network = small(skip_kernel=skip_kernel)
        assert sum(parameter.numel() for parameter in network.parameters()) == by_hand(skip_kernel)


@torch.no_grad()
def test_each_unit_adds_a_body_to_a_skip() -> None:
    unit = small().encoder[0].eval()
    x = torch.randn(1, 4, 8, 8, 8)
    body = unit(x) - unit.skip(x)
    torch.testing.assert_close(body, unit.body(x))
    assert body.std() > 0


@torch.no_grad()
def test_units_activate_before_they_convolve() -> None:
    body = small().encoder[0].eval().body
    nn.init.constant_(body[0].bias, -100.0)  # so that the first activation leaves nothing
    x, y = torch.randn(2, 1, 4, 8, 8, 8)
    torch.testing.assert_close(body(x), body(y), rtol=0, atol=0)


@torch.no_grad()
def test_each_stage_halves_the_resolution_by_its_stride() -> None:
    shapes: list[torch.Size] = []
    network = small().eval()
    for stage in network.encoder:
        stage.register_forward_hook(lambda module, inputs, output: shapes.append(output.shape[1:]))
    logits: Tensor = network(torch.rand(1, 2, *PATCH))
    assert shapes == [(6, 8, 8, 16), (8, 4, 4, 8), (10, 2, 2, 4)]
    assert logits.shape == (1, 5, *PATCH)
