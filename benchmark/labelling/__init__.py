"""Whole subjects through a trained network: sliding window, ensembles, predictions. Uses scoring and below."""
