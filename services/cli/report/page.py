"""Writing the report: facts and pictures into one HTML file.

Invariant: the file's own policy allows exactly the script written here and data: images, whatever the texts say.
"""

from __future__ import annotations

import base64
import dataclasses
import hashlib
import os
from importlib import resources
from pathlib import Path

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from services.cli import checks, client, iteration_text, output, words
from services.cli.invocation import Invocation
from services.cli.report import facts as sources
from services.cli.report import shots, story, viewer
from services.cli.report.facts import Facts

MAX_IMAGE_BYTES = 25_000_000
NUM_COLLECTED = 60


def default_path(at: Invocation, name: str) -> Path:
    """Where an iteration's report goes when nobody says."""
    return at.home / "reports" / f"{words.short(name)}.html"


async def write(
    rooms: client.Rooms,
    name: str,
    path: Path,
    *,
    max_image_bytes: int = MAX_IMAGE_BYTES,
    num_collected: int = NUM_COLLECTED,
) -> Path:
    """Write the report of an iteration; replaces an older one. NotFound for an unknown iteration."""
    facts = await sources.gather(rooms, name, num_collected)
    album = await shots.fetch(rooms, shots.wanted(viewer.order(facts)), max_image_bytes)
    facts = dataclasses.replace(facts, images=album.images, num_images_left_out=album.num_left_out)
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        partial.write_text(render(facts), encoding="utf-8")
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def render(facts: Facts) -> str:
    """The page."""
    script, style = asset("page.js"), asset("page.css")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    iteration = facts.iteration
    return (
        environment()
        .get_template("page.html")
        .render(
            it=iteration,
            state=iteration_text.state(iteration),
            headline=story.headline(iteration),
            subline=story.subline(iteration),
            splits=story.splits(iteration),
            rules=story.rules(iteration),
            job=facts.job,
            training=story.training_charts(facts.job) if facts.job else {},
            dataset=facts.dataset,
            card=story.card(facts),
            episode_time=story.episode_time(iteration),
            settings=story.settings(iteration),
            provenance=story.provenance(facts),
            viewer=viewer.build(facts),
            num_collected=facts.num_collected,
            num_images=len(facts.images),
            num_images_left_out=facts.num_images_left_out,
            image_bytes=words.size(sum(map(len, facts.images.values()))),
            version=checks.versions()["ratchet"],
            script=Markup(script),  # noqa: S704 - our own file
            style=Markup(style),  # noqa: S704 - our own file
            policy=f"default-src 'none'; img-src data:; style-src 'unsafe-inline'; script-src 'sha256-{digest}'",
        )
    )


def environment(*packages: str) -> Environment:
    """The report's templates and filters, with those of other packages."""
    made = Environment(
        loader=ChoiceLoader([PackageLoader(name, "templates") for name in (*packages, "services.cli.report")]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters |= {"duration": words.duration, "percent": words.percent, "count": words.count}
    made.filters |= {"plain": output.plain, "glued": _glued}
    return made


def _glued(text: str) -> str:
    """The text with numbers and their signs kept on one line."""
    for sign in (" %", " = ", " < "):
        text = text.replace(sign, sign.replace(" ", "\N{NO-BREAK SPACE}"))
    return text


def asset(name: str, package: str = "services.cli.report") -> str:
    """The text of a file beside the templates."""
    return resources.files(package).joinpath("templates", name).read_text(encoding="utf-8")
