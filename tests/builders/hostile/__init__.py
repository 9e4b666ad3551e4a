"""What means harm, or was damaged: forged checkpoints, bombs, fuzz, machines without room."""
