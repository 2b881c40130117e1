"""One module per revision, numbered; each stands alone and imports nothing of the room."""
