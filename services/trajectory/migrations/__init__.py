"""The database's schema as a chain of revisions; a published revision is never edited."""
