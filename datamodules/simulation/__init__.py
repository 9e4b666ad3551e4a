"""Cohorts from a phantom or from label maps. Uses volumes and labels."""
