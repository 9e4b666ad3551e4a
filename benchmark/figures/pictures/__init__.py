"""Pictures of brains: slices, surfaces, and every network beside the truth."""
