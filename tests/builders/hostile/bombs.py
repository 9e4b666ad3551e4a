"""Image files of a few bytes that claim, or unpack to, more than any memory holds."""

import gzip
import struct
from collections.abc import Callable
from pathlib import Path

import nibabel as nib
import numpy as np

ZEROS = gzip.compress(bytes(2**26), 9)
"""64 MiB in 64 KiB; members of a gzip file follow each other."""


def header(shape: tuple[int, ...], kind: type = np.uint8) -> bytearray:
    """Of a NIfTI file, with the four bytes that say that no extension follows."""
    claimed = nib.Nifti1Header()
    claimed.set_data_dtype(kind)
    claimed["dim"] = [len(shape), *shape, *[1] * (7 - len(shape))]
    claimed["magic"], claimed["vox_offset"] = b"n+1", 352
    claimed.set_sform(np.eye(4), 1)
    return bytearray(claimed.binaryblock + bytes(4))


def endless(path: Path) -> None:
    """A small volume by its header, then 6 GiB of zeros in 6 MB."""
    path.write_bytes(gzip.compress(bytes(header((16, 16, 16)))) + ZEROS * 96)


def honest(path: Path) -> None:
    """6 GiB by its header as well."""
    path.write_bytes(gzip.compress(bytes(header((2048, 2048, 1536)))) + ZEROS * 96)


def many_frames(path: Path) -> None:
    """Frames of a usual size, so many that they take 6 GiB."""
    path.write_bytes(gzip.compress(bytes(header((256, 256, 256, 384)))) + ZEROS * 96)


def cube(path: Path) -> None:
    """30000^3 voxels by its header, and not one there."""
    path.write_bytes(gzip.compress(bytes(header((30000,) * 3, np.float64))))


def extension(path: Path) -> None:
    """An extension of 2 GiB between header and voxels."""
    start = header((16, 16, 16))
    start[348] = 1
    path.write_bytes(gzip.compress(bytes(start) + struct.pack("<ii", 2**31 - 16, 6)) + ZEROS * 40)


def late(path: Path) -> None:
    """Voxels that begin after 4 GiB."""
    start = header((16, 16, 16))
    start[108:112] = struct.pack("<f", 2.0**32)
    path.write_bytes(gzip.compress(bytes(start)) + ZEROS * 96)


def mgh(path: Path) -> None:
    """30000^3 voxels in FreeSurfer's format."""
    path.write_bytes(gzip.compress(struct.pack(">7i", 1, 30000, 30000, 30000, 1, 3, 0) + bytes(256)) + ZEROS)


BOMBS: dict[str, Callable[[Path], None]] = {
    bomb.__name__: bomb for bomb in (endless, honest, many_frames, cube, extension, late, mgh)
}
