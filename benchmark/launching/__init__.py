"""Work done by processes, forked here from one that has imported all, or jobs of a cluster. Uses runs and below."""
