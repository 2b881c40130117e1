"""Writing an experiment's report: one HTML page, its tables in Markdown, all numbers in JSON, a page per iteration.

Invariant: each file is complete in itself and loads nothing; the page links to the iterations' own beside it.
"""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

from markupsafe import Markup

from services.cli import checks, client, output, words
from services.cli.experiments import cells, figures, plan, provenance, tables
from services.cli.experiments.gains import Gain
from services.cli.experiments.results import Results
from services.cli.report import page

_PACKAGE = "services.cli.experiments"
# Of screenshots and collected attempts, in the page of each iteration.
_MAX_IMAGE_BYTES = 4_000_000
_NUM_COLLECTED = 30


async def write(rooms: client.Rooms, results: Results, folder: Path, command: str) -> Path:
    """Write all of it into the folder, which is made; returns the HTML page. Replaces an older report."""
    (folder / "iterations").mkdir(parents=True, exist_ok=True)
    for turn in results.turns:
        path = folder / "iterations" / f"{words.short(turn.iteration.name)}.html"
        await page.write(
            rooms, turn.iteration.name, path, max_image_bytes=_MAX_IMAGE_BYTES, num_collected=_NUM_COLLECTED
        )
    _put(folder / "results.json", json.dumps(as_dict(results, command), indent=1, ensure_ascii=False) + "\n")
    _put(folder / "results.md", markdown(results, command))
    _put(folder / "index.html", render(results, command))
    return folder / "index.html"


def render(results: Results, command: str) -> str:
    """The page."""
    style = page.asset("page.css") + page.asset("experiment.css", _PACKAGE)
    by_id = {table.id: table for table in tables.every(results)}
    return (
        page.environment(_PACKAGE)
        .get_template("experiment.html")
        .render(
            experiment=results.experiment,
            headline=headline(results),
            subline=subline(results),
            tables=by_id,
            splits=[figures.of_split(results, split) for split in results.splits],
            filters=figures.filters(results),
            curves=figures.curves(results),
            legend=figures.legend(results),
            turns=results.turns,
            short=words.short,
            provenance=provenance.pairs(results, command),
            version=checks.versions()["ratchet"],
            style=Markup(style),  # noqa: S704 - our own file
            policy="default-src 'none'; img-src data:; style-src 'unsafe-inline'",
        )
    )


def headline(results: Results) -> str:
    """The result in one sentence."""
    gain = results.gains[0]
    if gain.difference.interval.low > 0:
        verdict = "Better than the base"
    else:
        verdict = "Worse than the base" if gain.difference.interval.high < 0 else "Not shown to be better than the base"
    relative = f", {cells.share(gain.relative.mean)} relative" if math.isfinite(gain.relative.mean) else ""
    return (
        f"{verdict}: {words.percent(gain.score.mean)} of {words.count(gain.difference.num_tasks, 'held-out task')} "
        f"against {words.percent(gain.base.mean)}{relative}."
    )


def subline(results: Results) -> str:
    """What stands behind it."""
    gain, run = results.gains[0], results.experiment.headline
    found = gain.difference
    return (
        f"{run.title}, {words.count(len(run.seeds), 'training seed')}: {words.points(found.mean)} percentage points, "
        f"paired 95 % interval {words.points(found.interval.low)} to {words.points(found.interval.high)}, "
        f"{words.p_value(found.p_value)}."
    )


def markdown(results: Results, command: str) -> str:
    """All tables, to be kept beside the code."""
    origin = "\n".join(f"- {name}: {value}" for name, value in provenance.pairs(results, command))
    parts = [f"# {results.experiment.title}", f"{headline(results)} {subline(results)}", origin]
    return "\n\n".join(parts) + "\n\n" + "\n".join(table.markdown() for table in tables.every(results) if table.rows)


def ratios(results: Results) -> dict[str, float | None]:
    """The two numbers that the experiment is judged by: a share, and the gain's lower bound in points."""
    gain = results.gains[0]
    return {
        "relative_gain_heldout": _finite(gain.relative.mean),
        "gain_low95": round(100 * gain.difference.interval.low, 3),
    }


def as_dict(results: Results, command: str) -> dict[str, Any]:
    """Everything, as JSON-able data."""
    return {
        "experiment": results.experiment.model_dump(),
        "provenance": dict(provenance.pairs(results, command)),
        "ratios": ratios(results),
        "gains": [_gain(gain) for gain in results.gains],
        "splits": [
            {
                "split": split.name,
                "comparison": output.as_dict(split.comparison),
                "capabilities": output.as_dict(split.capabilities),
                "behaviours": [output.as_dict(found) for found in split.behaviours],
                "likeness": {label: output.as_dict(found) for label, found in split.likeness.items()},
                "embedding_model": split.embedding_model,
                "num_references": split.num_references,
            }
            for split in results.splits
        ],
        "turns": [
            {"key": plan.key_of(turn.run, turn.seed), "iteration": output.as_dict(turn.iteration)}
            for turn in results.turns
        ],
    }


def _gain(gain: Gain) -> dict[str, Any]:
    return {
        "split": gain.split,
        "run": gain.run,
        "score": output.as_dict(gain.score),
        "base": output.as_dict(gain.base),
        "difference": output.as_dict(gain.difference),
        "interval_by_template": output.as_dict(gain.by_template),
        "relative": {name: _finite(value) for name, value in gain.relative._asdict().items()},
        "by_seed": [output.as_dict(found) for found in gain.by_seed],
    }


def _finite(value: float) -> float | None:
    return round(value, 5) if math.isfinite(value) else None


def _put(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.{os.getpid()}")
    partial.write_text(text, encoding="utf-8")
    partial.replace(path)
