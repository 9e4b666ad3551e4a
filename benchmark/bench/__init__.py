"""Our parts beside their peers, and what networks cost. Uses training and what is below."""
