"""What users bring: one adapter a layout. Uses volumes and labels."""
