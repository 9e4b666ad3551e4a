"""How the rows of a table came about, where that isn't the same for all of them."""

from benchmark.report.facts import read_config
from benchmark.runs.adopted import is_adopted
from benchmark.runs.evidence import Evidence


def provenance(evidence: Evidence) -> str:
    """A sentence for each row that wasn't trained here; empty where all were."""
    found = {run.record.variant: read_config(run) for run in evidence.runs if is_adopted(run.record)}
    tools = {variant: config["model"]["network"]["init_args"].get("tool") for variant, config in found.items()}
    return " ".join(
        f"{variant}: label maps made elsewhere{f' ({tool})' if tool else ''}, adopted."
        for variant, tool in tools.items()
    )
