"""From judged trajectories to training rows."""
