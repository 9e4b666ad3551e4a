"""The tables of a report: texts for print, the numbers behind them, and which are best."""
