"""How processes share the patches of a step: evenly, or not at all."""


def share(batch: int, processes: int) -> int:
    """How many of a step's patches each process takes.

    Args:
        batch: Patches of a step, over all processes.
        processes: That train one network together.

    Raises:
        ValueError: If they can't be shared evenly; the message lists how many processes can.
    """
    if batch % processes:
        fitting = [str(number) for number in range(1, batch + 1) if batch % number == 0]
        choices = " or ".join(filter(None, (", ".join(fitting[:-1]), fitting[-1])))
        patches = f"{batch} patches" if batch > 1 else "1 patch"
        raise ValueError(
            f"The {patches} of a step can't be shared by {processes} processes: train with {choices} of them "
            "(trainer.devices x num_nodes), or change data.batch_size, which is another experiment."
        )
    return batch // processes
