"""The prepared store, how it is made and verified, and its folds. Uses checks, sources and what is below."""
