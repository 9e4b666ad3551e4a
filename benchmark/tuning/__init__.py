"""Settings of training, searched for every network with one budget on validation subjects alone. Uses experiment."""
