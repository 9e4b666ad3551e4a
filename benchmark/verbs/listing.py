"""The verb that shows what comes with the suite: list."""

INDENT = "  "


def listing() -> None:
    """Show what comes with the suite, by the names that other verbs take: networks, experiments, protocols and more."""
    from textwrap import fill

    from benchmark.console import stdout
    from benchmark.verbs.tables.shipped import SHIPPED

    for kind, find in SHIPPED.items():
        found = find()
        longest = max(map(len, found))
        stdout.print(kind, markup=False)
        for name, text in found.items():
            head = f"{INDENT}{name:{longest}}{INDENT}"
            line = fill(text, stdout.width, initial_indent=head, subsequent_indent=" " * len(head))
            stdout.print(line, markup=False, highlight=False)
