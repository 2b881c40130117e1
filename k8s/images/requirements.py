"""Print the project's requirements, or those of its extras: `python requirements.py [extra,extra...]`, one a line."""

import sys
import tomllib
from pathlib import Path

project = tomllib.loads(Path("pyproject.toml").read_text())["project"]
extras = sys.argv[1].split(",") if len(sys.argv) > 1 else []
if unknown := set(extras) - set(project["optional-dependencies"]):
    sys.exit(f"pyproject.toml has no extras {sorted(unknown)}")
found = [line for extra in extras for line in project["optional-dependencies"][extra]] or project["dependencies"]
print("\n".join(f"'{line}'" for line in found))  # noqa: T201 - quoted for xargs
