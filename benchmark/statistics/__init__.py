"""Pure: tests, ranks, agreement and tables, from a table of cases. Uses scoring and what is below."""
