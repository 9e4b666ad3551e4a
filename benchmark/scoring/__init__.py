"""Pure: counts, overlaps, distances, uptake and their policy; label maps in, cases out. Uses datamodules alone."""
