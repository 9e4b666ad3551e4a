"""On a real card: `make test-gpu`. The last test writes what the card does to `results/gpu/`."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
import torch.distributed as dist
from builders.cohorts import make_cohort
from builders.fused_pieces import PIECES, gradients
from builders.small_networks import SMALL, SMALL_PATCH
from torch import Tensor, nn

from benchmark.bench.profile import Sizes, median_seconds
from benchmark.bench.step import Place, bench
from benchmark.bench.table import step_table
from benchmark.text_tables import markdown
from benchmark.training.losses import dice_ce_loss
from benchmark.verbs.networks import builders
from datamodules.files import write_json, write_text
from datamodules.petmr import PETMRDataModule
from models import NETWORKS
from models.parts import layout

pytestmark = pytest.mark.gpu

CLASSES = 5
RESULTS = Path(__file__).parents[2] / "results" / "gpu"


@pytest.fixture(autouse=True)
def single_precision_is_single() -> Iterator[None]:
    """Without TF32, which has ten bits of fraction."""
    before = torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    yield
    torch.backends.cudnn.allow_tf32, torch.backends.cuda.matmul.allow_tf32 = before


def build(name: str) -> nn.Module:
    torch.manual_seed(0)
    return NETWORKS[name](2, CLASSES, patch_size=SMALL_PATCH, **SMALL[name]).eval()


def a_batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    image = torch.rand(2, 2, *SMALL_PATCH, generator=generator)
    return image, torch.randint(CLASSES, (2, *SMALL_PATCH), generator=generator)


def loss_and_gradient(network: nn.Module, device: str, dtype: torch.dtype | None = None) -> tuple[float, Tensor]:
    """The loss of one batch, and the gradients of all parameters in one row."""
    network = network.to(device)
    network.zero_grad()
    image, label = (each.to(device) for each in a_batch())
    with torch.autocast("cuda", dtype=dtype or torch.bfloat16, enabled=dtype is not None):
        loss = dice_ce_loss(network(image), label)
    loss.backward()
    gradient = torch.cat([parameter.grad.flatten().cpu() for parameter in network.parameters()])
    return loss.item(), gradient


def likeness(one: Tensor, other: Tensor) -> float:
    return float(torch.nn.functional.cosine_similarity(one, other, dim=0))


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_gives_the_loss_and_gradients_of_a_processor(name: str) -> None:
    network = build(name)
    loss, gradient = loss_and_gradient(network, "cpu")
    found, found_gradient = loss_and_gradient(network, "cuda")
    assert found == pytest.approx(loss, rel=1e-3)
    assert likeness(found_gradient, gradient) > 0.999


@pytest.mark.parametrize("name", NETWORKS)
def test_half_precision_gives_the_loss_and_the_direction_of_single_precision(name: str) -> None:
    network = build(name)
    loss, gradient = loss_and_gradient(network, "cuda")
    found, found_gradient = loss_and_gradient(network, "cuda", torch.bfloat16)
    assert found == pytest.approx(loss, rel=0.02)
    assert likeness(found_gradient, gradient) > 0.95


@pytest.mark.parametrize("memory_format", [torch.contiguous_format, torch.channels_last_3d])
@pytest.mark.parametrize("name", PIECES)
def test_a_fused_piece_computes_what_its_layers_do_in_both_orders_of_memory(
    name: str, memory_format: torch.memory_format, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(layout.FORMATS, "cuda", memory_format)
    inputs = [each.cuda() for each in PIECES[name].inputs()]
    expected = gradients(PIECES[name].plain, inputs)
    for found, right in zip(gradients(PIECES[name].fused, inputs), expected, strict=True):
        torch.testing.assert_close(found, right, rtol=1e-6, atol=1e-6)


def _rank(rank: int, ranks: int, rendezvous: str, folder: str) -> None:
    torch.cuda.set_device(rank)
    dist.init_process_group("nccl", init_method=rendezvous, rank=rank, world_size=ranks)
    network = nn.parallel.DistributedDataParallel(build("cross_fusion").cuda(), device_ids=[rank])
    image, label = (each[rank % 2 :][:1].cuda() for each in a_batch())
    dice_ce_loss(network(image), label).backward()
    torch.save([parameter.grad.cpu() for parameter in network.parameters()], f"{folder}/{rank}.pt")
    dist.destroy_process_group()


def test_nccl_averages_gradients_over_the_cards_there_are(tmp_path: Path) -> None:
    ranks = torch.cuda.device_count()
    torch.multiprocessing.spawn(_rank, (ranks, f"file://{tmp_path}/group", str(tmp_path)), nprocs=ranks)
    found = [torch.load(tmp_path / f"{rank}.pt") for rank in range(ranks)]
    network, (image, label) = build("cross_fusion").cuda(), a_batch()
    parts = [slice(rank % 2, rank % 2 + 1) for rank in range(ranks)]
    losses = [dice_ce_loss(network(image[part].cuda()), label[part].cuda()) for part in parts]
    (torch.stack(losses).sum() / ranks).backward()
    for gradients_of_rank in found:
        for one, parameter in zip(gradients_of_rank, network.parameters(), strict=True):
            torch.testing.assert_close(one, parameter.grad.cpu(), rtol=1e-3, atol=1e-5)


def first_batch(cohort: Any, cache: str) -> dict[str, Any]:
    data = PETMRDataModule(str(cohort.path), folds=2, patch_size=(16, 16, 16), cache=cache)
    data.setup("fit")
    batch: dict[str, Any] = next(iter(data.train_dataloader()))
    return batch


def test_patches_cut_on_the_card_are_those_cut_by_a_processor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    cohort = make_cohort(tmp_path, subjects=4)
    expected = first_batch(cohort, "memmap")
    monkeypatch.setattr(PETMRDataModule, "_device", torch.device("cuda", 0))
    found = first_batch(cohort, "device")
    assert found["image"].is_cuda
    torch.testing.assert_close(found["image"].cpu(), expected["image"], rtol=0, atol=1e-4)
    assert (found["label"].cpu() == expected["label"]).float().mean() > 0.999  # a position may round otherwise


def seconds_of_a_step(name: str) -> float:
    """In bf16, at full width on 96^3 voxels."""
    network = NETWORKS[name](2, 45).cuda()
    image, label = torch.rand(1, 2, 96, 96, 96, device="cuda"), torch.randint(45, (1, 96, 96, 96), device="cuda")

    def step() -> None:
        network.zero_grad()
        with torch.autocast("cuda", dtype=torch.bfloat16):
            logits = network(image)
        dice_ce_loss(logits, label).backward()

    return median_seconds(step, "cuda", repeats=5)


@pytest.mark.timeout(7200)
def test_what_the_card_does_at_96_voxels_is_written_down(monkeypatch: pytest.MonkeyPatch) -> None:
    """Also in which order of memory ours run faster: the quicker belongs into `models/parts/layout.py`."""
    card = torch.cuda.get_device_name(0)
    stem = RESULTS / re.sub(r"\W+", "-", card)
    about = {"card": card, "torch": torch.__version__, "cuda": torch.version.cuda}
    found: dict[str, Any] = {}
    for found in bench(builders(None), Sizes((96, 96, 96)), Place("cuda", repeats=5), print):
        write_json(stem.with_suffix(".json"), found | about)
        write_text(stem.with_suffix(".md"), f"# {card}\n\n`make test-gpu`\n\n{markdown(step_table(found['cases']))}")
    found["memory_formats"] = {
        f"{name}, {str(order).removeprefix('torch.')}": seconds_of_a_step(name)
        for order in (torch.contiguous_format, torch.channels_last_3d)
        for name in ("cross_fusion", "uxnet3d")
        if monkeypatch.setitem(layout.FORMATS, "cuda", order) is None
    }
    write_json(stem.with_suffix(".json"), found | about)
    for name, case in found["cases"].items():
        held, kept = case["ours"]["added_gib"], case["ours"]["saved_gib"] or 0
        assert kept < held < 4 * kept + 4 or kept == 0, f"{name}: {held:.2f} GiB held for {kept:.2f} GiB kept"
