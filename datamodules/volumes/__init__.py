"""One volume: reading, grids, resampling, scaling. Uses labels."""
