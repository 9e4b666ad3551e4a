"""What the parts of the folds hold and lack, as a table of texts."""

from collections.abc import Sequence

import pandas as pd

from datamodules.cohort.splits import PartContent
from datamodules.sources.subjects import named


def fold_table(contents: Sequence[PartContent]) -> pd.DataFrame:
    """One row for each part of each fold."""
    return pd.DataFrame(
        {
            "fold": f"{content.fold} {content.part}",
            "subjects": content.subjects,
            "groups": content.groups,
            "structures missing": named(content.missing) or "none",
            "all background": named(content.unlabelled) or "none",
        }
        for content in contents
    )
