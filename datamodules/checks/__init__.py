"""What can be wrong with what users bring. Uses sources, volumes and labels."""
