"""Every network small enough to train on one core: its settings at patches of 32^3 voxels."""

from typing import Any

SMALL_PATCH = (32, 32, 32)

SMALL: dict[str, dict[str, Any]] = {
    "cross_fusion": {"feature_sizes": (6, 12, 24, 48), "hidden_size": 96, "depths": (1, 1, 1, 1)},
    "uxnet3d": {"feature_sizes": (8, 16, 32, 64), "hidden_size": 128, "depths": (1, 1, 1, 1)},
    "swin_unetr": {"feature_size": 12, "window_size": 4, "norm": ("group", {"num_groups": 4})},
    "unetr": {"feature_size": 8, "hidden_size": 48, "mlp_dim": 96, "num_heads": 4},
    "nnformer": {
        "embed_dim": 24,
        "num_heads": (3, 6, 12, 24),
        "decoder_num_heads": (3, 6, 12),
        "window_size": (4, 4, 4, 4),
    },
    "unet3d": {"width": 4},
    "nested_unet": {"features": (6, 8, 16, 32, 64, 6)},
    "res_unet": {"widths": (4, 8, 16, 32)},
    "vnet": {"width": 4},
    "resenc_unet": {"features": (8, 16, 32, 64), "blocks": (1, 2, 2, 2)},
    "mmformer": {"width": 8, "embed_dim": 32, "mlp_dim": 64, "num_heads": 4},
    "mednext": {"width": 8, "expansion": (2, 2, 2, 2, 2), "blocks": (1, 1, 1, 1, 1)},
}
