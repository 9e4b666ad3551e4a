"""How the rows of a table came about: as in the paper, with another recipe, tuned, or made elsewhere."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

from benchmark.runs.about import About, read_about
from benchmark.runs.adopted import is_adopted
from benchmark.runs.evidence import Evidence

PAPER = "paper"
"""The scale and the recipe that are the paper's."""


def about_of(evidence: Evidence) -> tuple[About, ...]:
    """What is said beside the grids of an experiment's runs."""
    return read_about(evidence.places)


def provenance(evidence: Evidence, names: Mapping[str, str]) -> str:
    """How each row was trained, and which weren't trained here, in sentences.

    Args:
        evidence: Whose rows.
        names: Variant to its name for print.
    """
    rows = dict.fromkeys(run.record.variant for run in evidence.runs)
    ways = {row: way for about in about_of(evidence) for row, way in _ways(about).items() if row in rows}
    groups: defaultdict[str, list[str]] = defaultdict(list)
    for row in rows:
        if row in ways:
            groups[ways[row]].append(names[row])
    if len(groups) == 1 and len(ways) == len(rows):
        sentences = [f"All networks: {way}." for way in groups]
    else:
        sentences = [f"{', '.join(rows)}: {way}." for way, rows in groups.items()]
    return " ".join([*sentences, *_adopted(evidence, names)])


def _ways(about: About) -> dict[str, str]:
    """Row to the way in which it was trained."""
    ways = {}
    for row, recipe in about.recipes.items():
        base = f"as in the {PAPER}" if about.scale == PAPER else f"settings of the scale {about.scale}"
        way = base if recipe == PAPER else f"recipe {recipe}"
        if about.tuned and row in about.tuned.variants:
            way = f"tuned ({len(about.tuned.variants[row].trials)} trials)"
            way += "" if recipe == PAPER else f" with the recipe {recipe}"
        ways[row] = f"{way}, but for settings of the experiment" if row in about.own else way
    return ways


def _adopted(evidence: Evidence, names: Mapping[str, str]) -> Iterator[str]:
    found = {run.record.variant: run.folder.read_config() for run in evidence.runs if is_adopted(run.record)}
    for variant, config in found.items():
        tool = config["model"]["network"]["init_args"].get("tool")
        yield f"{names[variant]}: label maps made elsewhere{f' ({tool})' if tool else ''}, adopted."
