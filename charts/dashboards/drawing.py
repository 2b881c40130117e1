"""Pictures of the dashboards from a Prometheus, for where no Grafana runs: the same layout, queries and units.

    python -m charts.dashboards.drawing http://localhost:9090 DIRECTORY [SECONDS]

Needs matplotlib. What Grafana itself makes of a panel (fonts, hover) is not shown.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import httpx

from charts.dashboards.__main__ import PLACE
from charts.dashboards.queries import Target, filled, targets

_UNIT, _DPI, _NUM_POINTS = 0.62, 80, 300
_COLOURS = {"blue": "#3274d9", "green": "#37872d", "text": "#444444"}
Curve = tuple[str, list[float], list[float]]
Answers = list[tuple[Target, list[dict[str, Any]]]]


class Asked(NamedTuple):
    """Where and when is asked."""

    url: str
    start: float
    end: float

    def values(self) -> dict[str, str]:
        """What stands for Grafana's variables: everything, over the whole time."""
        width = max(20, int((self.end - self.start) / _NUM_POINTS) * 4)
        chosen = {"namespace": ".*", "suite": ".*", "split": "heldout-instances"}
        return chosen | {"__rate_interval": f"{width}s", "__range": f"{int(self.end - self.start)}s"}

    def ask(self, target: Target) -> list[dict[str, Any]]:
        """Prometheus's series; those of an instant have one value."""
        query = {"query": filled(target.expr, self.values())}
        if target.instant:
            path, query = "query", query | {"time": str(self.end)}
        else:
            step = max(1.0, (self.end - self.start) / _NUM_POINTS)
            path, query = "query_range", query | {"start": str(self.start), "end": str(self.end), "step": str(step)}
        reply = httpx.post(f"{self.url}/api/v1/{path}", data=query, trust_env=False, timeout=30).json()
        if reply["status"] != "success":
            raise ValueError(f"{target.panel['title']}: {reply['error']}: {query['query']}")
        found: list[dict[str, Any]] = reply["data"]["result"]
        return found


def draw(dashboard: Mapping[str, Any], asked: Asked, path: Path) -> None:
    """One picture of a dashboard."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    by_panel: dict[int, list[Target]] = {}
    for target in targets(dashboard):
        by_panel.setdefault(id(target.panel), []).append(target)
    rows = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in dashboard["panels"])
    size = 24 * _UNIT, (rows + 1) * _UNIT
    figure = plt.figure(figsize=size, dpi=_DPI, facecolor="#f4f5f5")
    figure.text(0.01, 1 - 0.3 / size[1], dashboard["title"], fontsize=13, weight="bold", va="top")
    for panel in dashboard["panels"]:
        at = panel["gridPos"]
        left, width = (at["x"] + 0.9) / 24, (at["w"] - 1.3) / 24
        bottom, height = 1 - (at["y"] + at["h"] + 1 - 1.1) / (rows + 1), (at["h"] - 2.2) / (rows + 1)
        axes = figure.add_axes((left, bottom, width, height))
        axes.set_title(panel["title"], fontsize=9, loc="left", weight="bold")
        _DRAWN[panel["type"]](axes, panel, [(target, asked.ask(target)) for target in by_panel[id(panel)]])
        if panel["type"] == "timeseries":
            axes.set_xlim(asked.start, asked.end)
            quarter = (asked.end - asked.start) / 4
            axes.set_xticks(
                [asked.start + quarter * n for n in range(5)], [f"{quarter * n / 60:g} min" for n in range(5)]
            )
    figure.savefig(path)
    plt.close(figure)


def _curves(answers: Answers) -> Iterator[Curve]:
    for target, found in answers:
        for series in found:
            legend = target.legend
            for label, value in series["metric"].items():
                legend = legend.replace(f"{{{{{label}}}}}", value)
            points = series.get("values") or [series["value"]]
            # A label that a series lacks is empty.
            name = "" if "{{" in legend else legend
            yield name, [float(at) for at, _value in points], [float(value) for _at, value in points]


def _lines(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    config = panel["fieldConfig"]
    custom, overrides = config["defaults"].get("custom", {}), _overrides(config)
    curves = {name: (at, values) for name, at, values in _curves(answers)}
    style = "steps-post" if custom.get("lineInterpolation") == "stepAfter" else "default"
    if custom.get("stacking", {}).get("mode") == "normal" and curves:
        moments = sorted({moment for at, _values in curves.values() for moment in at})
        heights = [[dict(zip(at, values, strict=True)).get(m, 0.0) for m in moments] for at, values in curves.values()]
        colours = [_colour(overrides.get(name, {})) for name in curves]
        axes.stackplot(moments, heights, labels=list(curves), alpha=0.7, colors=colours if all(colours) else None)
    for name, (at, values) in curves.items():
        own = overrides.get(name, {})
        colour = _colour(own)
        if below := own.get("custom.fillBelowTo"):
            _at, low = curves.get(below, (at, values))
            axes.fill_between(at, low, values[: len(low)], color=colour, alpha=0.2, step="post", linewidth=0)
        elif own.get("custom.lineWidth") != 0 and custom.get("stacking", {}).get("mode") != "normal":
            axes.plot(at, values, label=name, color=colour, drawstyle=style, linewidth=1.5, clip_on=False)
    _scaled(axes, config["defaults"])
    axes.tick_params(labelsize=7)
    axes.grid(alpha=0.3)
    if not curves:
        axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", color="red")
    elif axes.get_legend_handles_labels()[0]:
        axes.legend(fontsize=6, loc="upper left", bbox_to_anchor=(0, -0.1), ncols=3, frameon=False)


def _colour(own: Mapping[str, Any]) -> str | None:
    named: str | None = own.get("color", {}).get("fixedColor")
    return _COLOURS.get(named or "", named)


def _scaled(axes: Any, defaults: Mapping[str, Any]) -> None:
    from matplotlib.ticker import FuncFormatter, MaxNLocator

    low, high = axes.get_ylim()
    axes.set_ylim(defaults.get("min", low), defaults.get("max", max(high, 1e-3)))
    axes.yaxis.set_major_locator(MaxNLocator(5))
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _at: _said(value, defaults.get("unit", ""))))


def _numbers(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    axes.axis("off")
    curves = list(_curves(answers))
    for index, (name, _at, values) in enumerate(curves):
        place, said = (index + 0.5) / len(curves), _said(values[-1], panel["fieldConfig"]["defaults"]["unit"])
        axes.text(place, 0.55, said, transform=axes.transAxes, ha="center", fontsize=15)
        axes.text(place, 0.1, name, transform=axes.transAxes, ha="center", fontsize=7)
    if not curves:
        axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", color="red")


def _bars(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    curves = list(_curves(answers))[::-1]
    axes.barh([name for name, _at, _values in curves], [values[-1] for _name, _at, values in curves], color="#3274d9")
    axes.tick_params(labelsize=7)
    for name, _at, values in curves:
        axes.text(values[-1], name, f" {_said(values[-1], panel['fieldConfig']['defaults']['unit'])}", fontsize=7)


def _table(axes: Any, panel: Mapping[str, Any], answers: Answers) -> None:
    axes.axis("off")
    options = panel["transformations"][-1]["options"]
    columns, units = options["renameByName"], _overrides(panel["fieldConfig"])
    rows: dict[tuple[tuple[str, str], ...], dict[str, str]] = {}
    for target, found in answers:
        name = columns[f"Value #{target.ref}"]
        unit = units.get(name, {}).get("unit", panel["fieldConfig"]["defaults"]["unit"])
        for series in found:
            labels = {key: value for key, value in series["metric"].items() if key != "__name__"}
            row = rows.setdefault(tuple(sorted(labels.items())), dict(labels))
            row[name] = _said(float(series["value"][1]), unit)
    order = sorted(options["indexByName"], key=options["indexByName"].__getitem__)
    titles = [columns.get(key, key) for key in order]
    cells = [[row.get(title, "") for title in titles] for row in rows.values()]
    if not cells:
        axes.text(0.5, 0.5, "No data", transform=axes.transAxes, ha="center", color="red")
        return
    drawn = axes.table(cells, colLabels=titles, loc="upper center", cellLoc="left", edges="horizontal")
    drawn.auto_set_font_size(value=False)
    drawn.set_fontsize(7)


_DRAWN = {"timeseries": _lines, "stat": _numbers, "bargauge": _bars, "table": _table}


def _overrides(config: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = {}
    for each in config["overrides"]:
        own = found.setdefault(each["matcher"]["options"], {})
        own |= {fixed["id"]: fixed.get("value") for fixed in each["properties"]}
    return found


def _said(value: float, unit: str) -> str:
    match unit:
        case "percentunit":
            return f"{100 * value:.3g} %"
        case "s":
            return f"{value:.3g} s" if value >= 1 or not value else f"{1000 * value:.3g} ms"
        case "bytes" | "Bps":
            power = sum(value >= 1000**exponent for exponent in (1, 2, 3))
            return f"{value / 1000**power:.3g} {('', 'k', 'M', 'G')[power]}B{'/s' if unit == 'Bps' else ''}"
        case "cps":
            return f"{value:.3g}/s"
    return f"{value:,.4g}" if abs(value) < 10_000 else f"{value / 1000:,.4g} k"


def main(url: str, place: Path, seconds: float) -> None:
    """Draw every dashboard of the last `seconds`."""
    asked = Asked(url.rstrip("/"), round(time.time()) - seconds, round(time.time()))
    place.mkdir(parents=True, exist_ok=True)
    for path in sorted(PLACE.glob("*.json")):
        draw(json.loads(path.read_text()), asked, place / f"{path.stem}.png")


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), float(sys.argv[3]) if len(sys.argv) > 3 else 3600.0)
