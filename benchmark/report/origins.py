"""How the rows of a table came about, where that isn't the same for all of them."""

from benchmark.runs.adopted import adoption
from benchmark.runs.evidence import Evidence


def provenance(evidence: Evidence) -> str:
    """A sentence for each row that wasn't trained here; empty where all were."""
    tools = {run.record.variant: adoption(run.folder) for run in evidence.runs}
    return " ".join(
        f"{variant}: label maps made elsewhere{_named(str(marker['tool']))}, adopted."
        for variant, marker in tools.items()
        if marker
    )


def _named(tool: str) -> str:
    return f" ({tool})" if tool else ""
