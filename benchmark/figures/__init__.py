"""Figures of an experiment, as PNG for the report and PDF for print. One idea a file; each function gives a figure."""
