"""What label ids mean that users' maps hold and protocols don't, so that a message can say more than a number."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Meaning:
    """Ids from `first` to `last`, both included.

    Attributes:
        first: Lowest id.
        last: Highest id.
        name: What they are.
        home: Label of aseg that they may be folded into; 0 for background.
    """

    first: int
    last: int
    name: str
    home: int


MEANINGS = (
    Meaning(25, 25, "left lesion", 77),
    Meaning(57, 57, "right lesion", 77),
    Meaning(80, 82, "non-WM-hypointensities", 77),
    Meaning(118, 135, "FreeSurfer's head tissue", 0),
    Meaning(136, 137, "left choroid plexus in SynthSeg's training maps (FreeSurfer: caudate/putamen)", 31),
    Meaning(138, 139, "claustrum", 0),
    Meaning(140, 154, "FreeSurfer's head tissue", 0),
    Meaning(163, 164, "right choroid plexus in SynthSeg's training maps", 63),
    Meaning(165, 165, "skull", 0),
    Meaning(258, 259, "head tissue", 0),
    Meaning(500, 999, "tissue outside the brain in SynthSeg's training maps", 0),
    Meaning(1000, 1999, "left cortical parcels", 3),
    Meaning(2000, 2999, "right cortical parcels", 42),
    Meaning(3000, 3999, "left white-matter parcels", 2),
    Meaning(4000, 4999, "right white-matter parcels", 41),
)
"""The choroid plexus ids as prepared with SynthSeg's published maps (Billot et al. 2023); others FreeSurferColorLUT."""


MANY = 20
"""More ids than this of no known meaning are no few strange structures, but another labelling scheme."""
SHOWN = 4
"""Ids that a sentence lists."""


def is_another_scheme(counts: Mapping[int, int]) -> bool:
    """Whether unknown ids are too many to be told one by one."""
    return sum(not any(one.first <= label <= one.last for one in MEANINGS) for label in counts) > MANY


def explain(counts: Mapping[int, int]) -> str:
    """List unknown ids with their voxels, those of one meaning together and named."""
    if is_another_scheme(counts):
        return f"{_listed(counts)}. It follows another labelling scheme"
    told = []
    left = dict(sorted(counts.items()))
    while left:
        first = next(iter(left))
        meaning = next((one for one in MEANINGS if one.first <= first <= one.last), Meaning(first, first, "", 0))
        ids = [label for label in left if meaning.first <= label <= meaning.last]
        voxels = sum(left.pop(label) for label in ids)
        told.append(f"{_listed(ids)} ({', '.join(filter(None, (meaning.name, f'{voxels} voxels')))})")
    return "; ".join(told)


def suggest(counts: Mapping[int, int]) -> str:
    """Say into which structures of aseg the unknown ids would fit, or how to write a protocol of another scheme."""
    if is_another_scheme(counts):
        return "Make a protocol of its list of labels: petmr protocol LIST.txt mine.tsv; then give --protocol mine.tsv."
    homes: dict[int, list[int]] = {}
    for label in sorted(counts):
        home = next((one.home for one in MEANINGS if one.first <= label <= one.last), 0)
        homes.setdefault(home, []).append(label)
    inside = [f"{_listed(ids)} into {home}" for home, ids in homes.items() if home]
    fold = f"Fold {'; '.join(inside)} in a protocol table of your own, or let" if inside else "Let"
    return f"{fold} all of them become background: --unknown-labels background."


def _listed(ids: Iterable[int]) -> str:
    texts = [str(label) for label in ids]
    more = f" and {len(texts) - SHOWN} more" if len(texts) > SHOWN else ""
    return ", ".join(texts[:SHOWN]) + more
