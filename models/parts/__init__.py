"""What networks are built of. Uses torch and MONAI alone."""
