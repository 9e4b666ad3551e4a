"""The compared networks, by name."""

from torch import nn

from models.cross_fusion import CrossFusion
from models.mednext import MedNeXt
from models.mmformer import MMFormer
from models.nested_unet import NestedUNet
from models.nnformer import NNFormer
from models.res_unet import ResUNet
from models.resenc_unet import ResEncUNet
from models.swin_unetr import SwinUNETR
from models.unet3d import UNet3D
from models.unetr import UNETR
from models.uxnet3d import UXNet3D
from models.vnet import VNet

NETWORKS: dict[str, type[nn.Module]] = {
    "cross_fusion": CrossFusion,
    "uxnet3d": UXNet3D,
    "swin_unetr": SwinUNETR,
    "unetr": UNETR,
    "nnformer": NNFormer,
    "unet3d": UNet3D,
    "nested_unet": NestedUNet,
    "res_unet": ResUNet,
    "vnet": VNet,
    "resenc_unet": ResEncUNet,
    "mednext": MedNeXt,
    "mmformer": MMFormer,
}

__all__ = ["NETWORKS"]
