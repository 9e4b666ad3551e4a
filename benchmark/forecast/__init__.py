"""What an experiment will take before anything of it has run: time and memory. Uses experiment, bench and below."""
