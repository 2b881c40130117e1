"""What episodes recorded: trajectories, their steps, blobs and datasets."""
