"""Our parts beside MONAI's, in one run: what each costs, and how far their results differ."""
