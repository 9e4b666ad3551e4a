"""A file's image, read only once its header has said how much there is to read: kilobytes can unpack to any size."""

import gzip
import math
import os
import struct
from contextlib import ExitStack
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any, BinaryIO

import nibabel as nib

GZIP_MAGIC = b"\x1f\x8b"
MOST_VOXELS = 2**28
"""Of one frame: 645 along each side."""
MOST_BYTES = 2**32
"""Of all frames, unpacked: 64 of 256 x 256 x 256 floats."""
SPARE = 2**24
"""Bytes that may stand between header and voxels, or follow them."""
LONGEST_HEADER = 540
BLOCK = 2**24


class OversizeError(ValueError):
    """A file claims more than an image of a head takes."""


@dataclass(frozen=True)
class Claim:
    """What the first bytes of a file say of it.

    Attributes:
        image: Class of nibabel that reads it.
        shape: Of its voxels.
        size: Bytes of the whole file, unpacked.
    """

    image: Any
    shape: tuple[int, ...]
    size: int

    @classmethod
    def of(cls, start: bytes) -> "Claim":
        """By the header, as it is.

        Raises:
            ValueError: If it is no header of a single file.
        """
        image, header, offset = _header(start)
        shape = tuple(int(side) for side in header.get_data_shape())
        if any(side < 0 for side in shape) or not 0 <= offset <= SPARE:
            raise ValueError(f"its header claims voxels of the shape {shape} from byte {offset:g} on")
        return cls(image, shape, int(offset) + math.prod(shape) * int(header.get_data_dtype().itemsize))

    def check(self) -> None:
        """Refuse what no image of a head takes.

        Raises:
            OversizeError: If it is more than `MOST_VOXELS` or `MOST_BYTES`.
        """
        if math.prod(self.shape[:3]) > MOST_VOXELS or self.size > MOST_BYTES:
            raise OversizeError(
                f"Its header claims {' x '.join(map(str, self.shape))} voxels, {self.size / 2**30:.3g} GiB; expected "
                f"at most {MOST_VOXELS:,} voxels a frame, {MOST_BYTES / 2**30:g} GiB in all. Mend the header, resample "
                "the image, or export fewer frames."
            )


def read_claimed(path: Path) -> nib.spatialimages.SpatialImage:
    """Read a NIfTI or MGH file to its end into memory, its checksum verified where it is compressed.

    Raises:
        ValueError: If it is neither, claims more than an image of a head takes, or holds more than it claims.
        OSError: If it can't be read; `EOFError`, `zlib.error` and nibabel's errors where it is damaged.
    """
    with ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        packed = file.peek(2).startswith(GZIP_MAGIC)
        stream: Any = stack.enter_context(gzip.GzipFile(fileobj=file)) if packed else file
        start = stream.read(LONGEST_HEADER)
        claim = Claim.of(start)
        claim.check()
        if not packed and (size := os.fstat(file.fileno()).st_size) < claim.size:
            raise EOFError(f"it has {size} bytes of the {claim.size} that its header claims")
        return claim.image.from_stream(_to_the_end(stream, start, claim.size))  # type: ignore[no-any-return]


def _to_the_end(stream: BinaryIO, start: bytes, claimed: int) -> BytesIO:
    whole = BytesIO()
    whole.write(start)
    while block := stream.read(BLOCK):
        whole.write(block)
        if whole.tell() > claimed + SPARE:
            raise ValueError(f"it holds more than the {claimed} bytes that its header claims")
    whole.seek(0)
    return whole


def _header(start: bytes) -> tuple[Any, Any, float]:
    """The class of an image, its header, unchecked, and where its voxels begin."""
    sizes = {struct.unpack(f"{order}i", start[:4])[0] for order in "<>"} if len(start) >= 4 else set()
    if 348 in sizes and start[344:347] == b"n+1":
        header = nib.nifti1.Nifti1Header(start[:348], check=False)
        return nib.nifti1.Nifti1Image, header, float(header["vox_offset"])
    if 540 in sizes and start[4:7] == b"n+2" and len(start) >= 540:
        header = nib.nifti2.Nifti2Header(start[:540], check=False)
        return nib.nifti2.Nifti2Image, header, float(header["vox_offset"])
    if start[:4] == struct.pack(">i", 1) and len(start) >= 90:
        mgh = nib.freesurfer.mghformat
        return mgh.MGHImage, mgh.MGHHeader(start[:90], check=False), mgh.DATA_OFFSET
    raise ValueError("it is no single-file NIfTI or MGH volume")
