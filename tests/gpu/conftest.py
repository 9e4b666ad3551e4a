import pytest
import torch


def pytest_runtest_setup(item: pytest.Item) -> None:
    """A suite for a card must not pass where there is none."""
    if item.get_closest_marker("gpu") and not torch.cuda.is_available():
        pytest.exit(
            f"`make test-gpu` needs a GPU: PyTorch {torch.__version__} sees none here. Run it on a machine with an "
            "NVIDIA card and a PyTorch built for CUDA.",
            returncode=1,
        )
