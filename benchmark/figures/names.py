"""What networks and structures are called in tables, figures and sentences."""

from collections.abc import Mapping

NETWORKS = {
    "cross_fusion": "Cross fusion (Tang 2025)",
    "uxnet3d": "3D UX-Net (Lee 2022)",
    "swin_unetr": "SwinUNETR (Hatamizadeh 2021)",
    "unetr": "UNETR (Hatamizadeh 2021)",
    "nnformer": "nnFormer (Zhou 2021)",
    "unet3d": "3D U-Net (Çiçek 2016)",
    "nested_unet": "UNet++ (Zhou 2018)",
    "res_unet": "ResUNet (Zhang 2018)",
    "vnet": "V-Net (Milletari 2016)",
    "resenc_unet": "ResEnc U-Net (Isensee 2024)",
    "resenc_unet_l": "ResEnc U-Net L (Isensee 2024)",
    "mednext": "MedNeXt (Roy 2023)",
    "mednext_l": "MedNeXt L (Roy 2023)",
    "mmformer": "mmFormer (Zhang 2022)",
}
"""Of every network that is shipped."""


def display_names(networks: Mapping[str, str], labels: Mapping[str, str]) -> dict[str, str]:
    """Variant to its name for print.

    Args:
        networks: Variant to its network.
        labels: Variant to the label that its experiment gives it. A variant without one that is called as its network
            has that network's name, any other its own.
    """
    own = {name: NETWORKS.get(network, name) if name == network else name for name, network in networks.items()}
    return {name: labels.get(name, shown) for name, shown in own.items()}


def without_sources(names: Mapping[str, str]) -> dict[str, str]:
    """Variant to its name without who published it, for narrow columns; whole names where two would be the same."""
    shipped = set(NETWORKS.values())
    short = {variant: name.rpartition(" (")[0] if name in shipped else name for variant, name in names.items()}
    return short if len(set(short.values())) == len(short) else dict(names)


def readable(structure: str) -> str:
    """A FreeSurfer name in words."""
    return structure.replace("-", " ").replace("_", " ")
