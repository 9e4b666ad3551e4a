"""`petmr report`: from run folders to tables, statistics, figures and one page."""
