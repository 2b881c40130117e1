"""The kinds of panels that the dashboards are made of, and the dashboard around them.

Invariant: every panel says what it shows, in what unit, and asks the one data source of its dashboard.
"""

from __future__ import annotations

import string
from collections.abc import Iterable, Sequence

from grafana_foundation_sdk.builders import bargauge, common, dashboard, prometheus, stat, table, timeseries
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import common as shapes
from grafana_foundation_sdk.models import dashboard as models
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

from charts.dashboards.queries import Query

DATASOURCE = shapes.DataSourceRef(type_val="prometheus", uid="${datasource}")
HEIGHT, NUMBER_HEIGHT = 8, 4
# By what a policy was measured as.
COLOURS = {"base": "blue", "candidate": "green", "trivial": "#8e8e8e"}
OUTCOMES = {"solved": "green", "unsolved": "orange", "failed": "red", "lost": "red"}
_Panel = timeseries.Panel | stat.Panel | table.Panel | bargauge.Panel


def lines(
    title: str,
    about: str,
    unit: str,
    *queries: Query,
    width: int = 8,
    stacked: bool = False,
    steps: bool = False,
    low: float | None = 0.0,
) -> Builder[models.Panel]:
    """Series over time. `steps`: values that hold until the next measurement."""
    panel = timeseries.Panel().line_width(2 if not stacked else 1).fill_opacity(30 if stacked else 0)
    panel = panel.show_points(shapes.VisibilityMode.AUTO)
    if low is not None:
        panel = panel.min(low)
    if unit == "percentunit":
        panel = panel.max(1)
    panel = panel.legend(common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.BOTTOM))
    if stacked:
        panel = panel.stacking(common.StackingConfig().mode(shapes.StackingMode.NORMAL))
        for name, colour in OUTCOMES.items():
            panel = panel.override_by_name(name, [_coloured(colour)])
    if steps:
        panel = panel.line_interpolation(shapes.LineInterpolation.STEP_AFTER)
    return _finished(panel, title, about, unit, queries, width, HEIGHT)


def bands(
    title: str, about: str, of: dict[str, tuple[str, str, str]], *, around_zero: bool = False
) -> Builder[models.Panel]:
    """A line with its 95 % interval for each name: `of[name]` is the mean, the low and the high end."""
    panel = timeseries.Panel().line_interpolation(shapes.LineInterpolation.STEP_AFTER).line_width(2)
    panel = panel.show_points(shapes.VisibilityMode.NEVER)
    panel = panel.legend(common.VizLegendOptions().show_legend(True).placement(shapes.LegendPlacement.BOTTOM))
    if around_zero:
        zero = [models.Threshold(value=None, color="transparent"), models.Threshold(value=0, color="text")]
        panel = panel.thresholds(dashboard.ThresholdsConfig().mode(models.ThresholdsMode.ABSOLUTE).steps(zero))
        panel = panel.thresholds_style(common.GraphThresholdsStyleConfig().mode(shapes.GraphThresholdsStyleMode.DASHED))
        panel = panel.axis_soft_min(-0.1).axis_soft_max(0.1)
    else:
        panel = panel.min(0).max(1)
    queries = []
    for name, (mean, lower, upper) in of.items():
        panel = panel.override_by_name(name, [_coloured(COLOURS[name])])
        for end, below in ((f"{name} low", None), (f"{name} high", f"{name} low")):
            hidden = {"legend": True, "tooltip": False, "viz": False}
            properties: dict[str, object] = {"custom.lineWidth": 0, "custom.hideFrom": hidden}
            if below:
                properties |= {"custom.fillBelowTo": below, "custom.fillOpacity": 20}
            own = [models.DynamicConfigValue(*each) for each in properties.items()]
            panel = panel.override_by_name(end, [_coloured(COLOURS[name]), *own])
        queries += [Query(mean, name), Query(lower, f"{name} low"), Query(upper, f"{name} high")]
    return _finished(panel, title, about, "percentunit", queries, 12, HEIGHT)


def numbers(title: str, about: str, unit: str, *queries: Query, width: int = 4) -> Builder[models.Panel]:
    """The latest value of each, large."""
    last = common.ReduceDataOptions().calcs(["lastNotNull"])
    panel = stat.Panel().reduce_options(last).graph_mode(shapes.BigValueGraphMode.NONE)
    panel = panel.text_mode(shapes.BigValueTextMode.VALUE_AND_NAME).color_mode(shapes.BigValueColorMode.NONE)
    return _finished(panel, title, about, unit, queries, width, NUMBER_HEIGHT, instant=True)


def bars(title: str, about: str, unit: str, *queries: Query, width: int = 8) -> Builder[models.Panel]:
    """The latest value of each, side by side."""
    last = common.ReduceDataOptions().calcs(["lastNotNull"])
    panel = bargauge.Panel().reduce_options(last).orientation(shapes.VizOrientation.HORIZONTAL).min(0)
    panel = panel.display_mode(shapes.BarGaugeDisplayMode.BASIC).color_scheme(_fixed("blue"))
    return _finished(panel, title, about, unit, queries, width, HEIGHT, instant=True)


def measured(
    title: str, about: str, unit: str, labels: Sequence[str], columns: dict[str, str], width: int = 12
) -> Builder[models.Panel]:
    """A row for each set of labels, a column for each label and expression; the one called `mean` is drawn as a bar."""
    panel: table.Panel = table.Panel().min(0).max(1).decimals(1 if unit == "percentunit" else 2)
    order = [*labels, *columns]
    names = {f"Value #{ref}": name for ref, name in zip(string.ascii_uppercase, columns, strict=False)}
    panel = panel.with_transformation(models.DataTransformerConfig("merge", options={}))
    hidden = {"Time": True}
    arranged = {label: order.index(label) for label in labels}
    arranged |= {value: order.index(name) for value, name in names.items()}
    options = {"excludeByName": hidden, "indexByName": arranged, "renameByName": names}
    panel = panel.with_transformation(models.DataTransformerConfig("organize", options=options))
    bar = models.DynamicConfigValue("custom.cellOptions", {"type": "gauge", "mode": "basic"})
    panel = panel.override_by_name("mean", [bar, _coloured("blue")])
    if "n" in columns:
        panel = panel.override_by_name(
            "n", [models.DynamicConfigValue("unit", "short"), models.DynamicConfigValue("decimals", 0)]
        )
    queries = [Query(expr, "") for expr in columns.values()]
    return _finished(panel, title, about, unit, queries, width, HEIGHT, instant=True, form=PromQueryFormat.TABLE)


def board(
    title: str,
    uid: str,
    about: str,
    panels: Iterable[Builder[models.Panel]],
    variables: Sequence[tuple[str, str, str]] = (),
) -> models.Dashboard:
    """A dashboard of one release; `variables` are further ones: a label, the metric that has it, and its default."""
    made = dashboard.Dashboard(f"Ratchet / {title}").uid(uid).description(about).tags(["ratchet"]).readonly()
    made = made.refresh("30s").time("now-6h", "now").timezone("browser").tooltip(models.DashboardCursorSync.CROSSHAIR)
    made = made.link(_link())
    made = made.with_variable(dashboard.DatasourceVariable("datasource").label("Data source").type("prometheus"))
    namespace = _labels("namespace", "ratchet_home_size_bytes").include_all(True).all_value(".*").multi(True)
    everything = models.VariableOption(selected=True, text="All", value="$__all")
    made = made.with_variable(namespace.current(everything))
    for label, metric, default in variables:
        chosen = models.VariableOption(selected=True, text=default, value=default)
        made = made.with_variable(_labels(label, metric).current(chosen))
    for panel in panels:
        made = made.with_panel(panel)
    return made.build()


def _labels(label: str, metric: str) -> dashboard.QueryVariable:
    variable = dashboard.QueryVariable(label).label(label.capitalize()).datasource(DATASOURCE)
    variable = variable.refresh(models.VariableRefresh.ON_TIME_RANGE_CHANGED).sort(models.VariableSort.ALPHABETICAL_ASC)
    return variable.query({"query": f"label_values({metric}, {label})", "refId": "StandardVariableQuery"})


def _link() -> dashboard.DashboardLink:
    link = dashboard.DashboardLink("Ratchet").type(models.DashboardLinkType.DASHBOARDS).tags(["ratchet"])
    return link.include_vars(True).keep_time(True)


def _coloured(colour: str) -> models.DynamicConfigValue:
    return models.DynamicConfigValue("color", {"mode": "fixed", "fixedColor": colour})


def _fixed(colour: str) -> dashboard.FieldColor:
    return dashboard.FieldColor().mode(models.FieldColorModeId.FIXED).fixed_color(colour)


def _finished(
    panel: _Panel,
    title: str,
    about: str,
    unit: str,
    queries: Sequence[Query],
    width: int,
    height: int,
    *,
    instant: bool = False,
    form: PromQueryFormat = PromQueryFormat.TIME_SERIES,
) -> _Panel:
    panel = panel.title(title).description(about).unit(unit).datasource(DATASOURCE).span(width).height(height)
    for ref, query in zip(string.ascii_uppercase, queries, strict=False):
        target = prometheus.Dataquery().ref_id(ref).expr(query.expr).legend_format(query.legend).format(form)
        panel = panel.with_target(target.instant() if instant else target.range())
    return panel
