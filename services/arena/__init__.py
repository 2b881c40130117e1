"""The arena: five built-in web sites with seeded worlds, tasks and scripted experts (served over HTTP)."""
