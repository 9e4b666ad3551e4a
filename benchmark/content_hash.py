"""The hash of a zip archive's bytes in its own comment, where no reader of the archive looks.

The checksums within an archive miss its headers and directory, and PyTorch doesn't look at them when it reads one.
"""

import hashlib
import os
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedWriter, FileIO
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer as Buffer

MARK = b"petmr sha256 "
COMMENT = len(MARK) + 64
NO_COMMENT, LENGTH = bytes(2), COMMENT.to_bytes(2, "little")
"""The last two bytes of an archive without a comment, and what stands in their place before ours."""
BLOCK = 1 << 20


class HashingFile(BufferedWriter):
    """A file that is written from its beginning to its end, and hashed meanwhile."""

    def __init__(self, path: Path) -> None:
        """Write `path` anew."""
        super().__init__(FileIO(path, "w"))
        self.hash = hashlib.sha256()

    def write(self, data: "Buffer") -> int:
        """Append some bytes."""
        self.hash.update(data)
        return super().write(data)


@contextmanager
def hashed_archive(path: Path) -> Iterator[HashingFile]:
    """Give a file to write an archive without a comment to; its hash becomes the comment."""
    with HashingFile(path) as file:
        yield file
        found = file.hash.hexdigest().encode()
        file.seek(-len(NO_COMMENT), os.SEEK_END)
        file.write(LENGTH + MARK + found)


def check_hash(path: Path) -> None:
    """Refuse an archive of which a bit isn't as it was written.

    Raises:
        ValueError: If it carries no hash, or another one than that of its bytes.
    """
    with path.open("rb") as file:
        left = max(file.seek(0, os.SEEK_END) - len(LENGTH) - COMMENT, 0)
        file.seek(left)
        length, comment = file.read(len(LENGTH)), file.read()
        if not comment.startswith(MARK) or length != LENGTH:
            raise ValueError("it is damaged, or this suite hasn't written it: it doesn't end in a hash of its bytes")
        file.seek(0)
        found = hashlib.sha256()
        while block := file.read(min(BLOCK, left)):
            found.update(block)
            left -= len(block)
        found.update(NO_COMMENT)
    if comment.removeprefix(MARK) != found.hexdigest().encode():
        raise ValueError("it is damaged: its bytes aren't those that were written")
