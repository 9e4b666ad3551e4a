"""Sheets, drawings and the page of a report, from evidence alone. Uses figures, runs, statistics and below."""
