"""One module per command group; each only reads options and hands over."""
