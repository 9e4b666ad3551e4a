"""Label maps alone, as `petmr simulate --labels` takes them: to be checked, not prepared."""

from pathlib import Path

from datamodules.sources.subjects import Listing, Selection, Subject
from datamodules.volumes.read import is_image, stem


def read_label_maps(source: Path, selection: Selection = Selection()) -> Listing:  # noqa: B008  frozen
    """List a label map, or every one in a folder, as subjects without images."""
    files = [source] if source.is_file() else sorted(path for path in source.iterdir() if is_image(path))
    return Listing(tuple(Subject(stem(path), {}, path, group=stem(path)) for path in files))
