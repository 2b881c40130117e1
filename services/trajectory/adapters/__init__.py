"""The store's outside: a relational database and an object store."""
