"""What stands behind scoring's ports."""
