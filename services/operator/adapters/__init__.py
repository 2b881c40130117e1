"""The API server that resources are read from and told to."""
