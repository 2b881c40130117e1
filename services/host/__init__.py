"""The composition root: the only place that knows which adapter is behind which port."""
