"""How each room is built: settings, adapters, stubs of the rooms that it calls."""
