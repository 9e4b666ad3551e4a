"""Reading NIfTI and MGH volumes to the last byte, with a sentence for every way in which that fails."""

import struct
import zlib
from pathlib import Path

import nibabel as nib
import numpy as np
from nibabel.filebasedimages import ImageFileError
from nibabel.freesurfer.mghformat import MGHError
from nibabel.spatialimages import HeaderDataError, SpatialImage
from nibabel.wrapstruct import WrapStructError

from datamodules.labels.protocol import whole_numbers
from datamodules.volumes.frames import Frames, average_frames
from datamodules.volumes.grid import Array, Grid
from datamodules.volumes.unpack import OversizeError, read_claimed

IMAGE_SUFFIXES = (".nii", ".nii.gz", ".mgz", ".mgh")
DAMAGES = (
    ImageFileError,
    HeaderDataError,
    MGHError,
    WrapStructError,
    EOFError,
    ValueError,
    TypeError,
    LookupError,
    ArithmeticError,
    zlib.error,
    struct.error,
)
"""What reading a damaged file raises, besides errors of the system."""


def is_image(path: Path) -> bool:
    """Whether a path has the name of an image, hidden files aside."""
    return path.name.endswith(IMAGE_SUFFIXES) and not path.name.startswith(".") and path.is_file()


def stem(path: Path) -> str:
    """A file name without its image suffix."""
    return path.name.removesuffix(".gz").rpartition(".")[0]


def opens(path: Path) -> bool:
    """Whether there is an image whose header can be read; its voxels may be damaged all the same."""
    try:
        nib.load(path)
    except (*DAMAGES, OSError, MemoryError):
        return False
    return True


def load_whole(path: Path) -> SpatialImage:
    """Load an image into memory, its checksum verified where it is compressed; opening alone would not notice.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it is damaged, no image, or larger than that of a head.
    """
    if not path.is_file():
        raise FileNotFoundError(f"{path}: there is no such file.")
    try:
        return read_claimed(path)
    except OversizeError as error:
        raise ValueError(f"{path}: {error}") from error
    except (*DAMAGES, OSError, MemoryError) as error:
        raise ValueError(_damaged(path, error)) from error


def read_volume(path: Path, frames: Frames | None = None) -> tuple[Array, Grid]:
    """Read every voxel of a three-dimensional image, or the mean of some frames of a dynamic one.

    Returns:
        The scaled voxel values `[X, Y, Z]` in the file's own axis order, and their grid.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it can't be read to the last voxel, isn't three-dimensional, or lies nowhere.
    """
    image = load_whole(path)
    dynamic = image.ndim == 4 and image.shape[3] > 1
    if not dynamic and (image.ndim not in (3, 4) or 0 in image.shape):
        raise ValueError(f"{path}: has the shape {image.shape}; expected three dimensions.")
    try:
        volume = average_frames(image, path, frames) if dynamic else np.asanyarray(image.dataobj)
    except (OSError, EOFError, MemoryError) as error:
        raise ValueError(_damaged(path, error)) from error
    if volume.dtype.kind not in "iufb":
        raise ValueError(f"{path}: its voxels are {volume.dtype} (colours? complex?); expected one number each.")
    return volume.reshape(image.shape[:3]), Grid.of(image.shape[:3], _affine(image, path))


def _damaged(path: Path, error: Exception) -> str:
    if isinstance(error, MemoryError):
        return f"{path}: doesn't fit into the memory that there is. Resample it, or work on fewer subjects at a time."
    return f"{path}: can't be read whole ({error}). The file is empty, truncated or corrupt: copy or convert it again."


def _affine(image: SpatialImage, path: Path) -> Array:
    affine = image.affine
    if affine is None or not np.isfinite(affine).all() or not _spans_space(affine):
        raise ValueError(f"{path}: its affine places no voxel in space ({affine}). Mend the header.")
    return np.asarray(affine)


def _spans_space(affine: Array) -> bool:
    """Whether the axes of voxels run in three directions, each closest to one of space."""
    return abs(np.linalg.det(affine[:3, :3])) >= 1e-9 and bool(np.isfinite(nib.io_orientation(affine)).all())


def read_image(path: Path) -> tuple[Array, Grid]:
    """Read an intensity image as float32 `[X, Y, Z]`.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it can't be read, or holds NaN or infinite voxels.
    """
    volume, grid = read_volume(path)
    image = volume.astype(np.float32)
    broken = count_broken(image)
    if broken:
        raise ValueError(f"{path}: {broken} voxels are NaN or infinite; expected finite values. Mend the image first.")
    return image, grid


def count_broken(image: Array) -> int:
    """Number of NaN and infinite voxels."""
    return image.size - int(np.count_nonzero(np.isfinite(image)))


def read_labels(path: Path) -> tuple[Array, Grid]:
    """Read a label map as whole numbers `[X, Y, Z]`, FreeSurfer ids.

    Raises:
        FileNotFoundError: If there is no such file.
        ValueError: If it can't be read, or holds values that aren't whole numbers.
    """
    volume, grid = read_volume(path)
    try:
        return whole_numbers(volume), grid
    except ValueError as error:
        raise ValueError(f"{path}: {error}") from error
