"""Label protocols: which FreeSurfer label is which class. Uses nothing of ours."""
