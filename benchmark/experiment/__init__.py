"""The grid of an experiment: which runs there are, started, evaluated and mirrored. Uses every room but verbs."""
