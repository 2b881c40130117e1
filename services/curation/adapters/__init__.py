"""The file format that rows leave in."""
