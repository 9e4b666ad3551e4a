"""The command line: parse, call, print. May use every room below, and is used by `__main__` alone."""
