"""The benchmark: training, inference, scoring, experiments and reports."""
