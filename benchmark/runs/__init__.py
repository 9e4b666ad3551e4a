"""One run on disk: its folder, its lock, and what counts as evidence. Uses training, scoring and what is below."""
