"""What a report says beyond scores: how rows came about, tuning, covariates, calibration. Uses runs and statistics."""
