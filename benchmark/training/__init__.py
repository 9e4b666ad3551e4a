"""Lightning: the task, its losses, callbacks, loggers and command line. Uses labelling, scoring and below."""
