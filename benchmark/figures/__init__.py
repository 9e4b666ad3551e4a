"""Pictures and plots, each from a table or a scene. Uses runs, labelling, statistics and what is below."""
