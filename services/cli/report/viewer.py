"""The report's trajectories: which are shown, under which anchors, and how long their texts may be.

Invariant: a picture is embedded where it is first shown; later places refer to it.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from typing import NamedTuple

from ratchet.trajectory.v1.trajectory_service_pb2 import Step, Trajectory
from services.cli import iteration_text, output, words
from services.cli.report.facts import COLLECT, Facts
from services.cli.scores import Roles

_MAX_OBSERVATION = 6_000
_MAX_RESPONSE = 4_000
_MAX_TEXT = 12_000_000
_PHASES = {
    "collect": "collected",
    "evaluate-base": "base",
    "evaluate-candidate": "tuned",
    "evaluate-trivial": "trivial",
}
_NOT_AN_ID = re.compile(r"[^A-Za-z0-9_-]+")


class Frame(NamedTuple):
    """One step. Of `image` (a data URI) and `same_as` (the id of the picture shown before) at most one is set."""

    number: int
    url: str
    action: str
    response: str
    observation: str
    problems: list[str]
    image: str
    image_id: str
    same_as: str
    seconds: str


class Film(NamedTuple):
    """One trajectory."""

    anchor: str
    phase: str
    group: str
    split: str
    policy: str
    outcome: str
    task_id: str
    intent: str
    ended_by: str
    answer: str
    final_url: str
    seconds: str
    change: str
    filter: str
    checks: list[str]
    frames: list[Frame]


class Change(NamedTuple):
    """A task on which tuned and base differ, with the anchors of both attempts ('' when not shown)."""

    split: str
    task_id: str
    intent: str
    tuned: str
    base: str


class Viewer(NamedTuple):
    """All that is shown."""

    films: list[Film]
    gained: list[Change]
    lost: list[Change]
    num_texts_cut: int


def anchor(name: str) -> str:
    """A trajectory's id in the page."""
    return "t-" + _NOT_AN_ID.sub("-", name.rsplit("/", 1)[-1])


def changes(facts: Facts) -> tuple[list[Change], list[Change]]:
    """Gained and lost tasks of every split, tuned against base."""
    roles = iteration_text.roles(facts.iteration)
    shown = {(item.split, f"{item.world}:{item.task_id}", item.policy): item for item in _counted(facts.trajectories)}
    gained: list[Change] = []
    lost: list[Change] = []
    for report in facts.iteration.reports:
        for difference in report.differences:
            if (difference.policy, difference.baseline) == (roles.candidate, roles.base):
                gained += [_change(shown, report.split, key, roles) for key in difference.gained]
                lost += [_change(shown, report.split, key, roles) for key in difference.lost]
    return gained, lost


def _counted(trajectories: Iterable[Trajectory]) -> Iterable[Trajectory]:
    return (item for item in trajectories if item.phase != COLLECT and item.state == Trajectory.STATE_SUCCEEDED)


def _change(shown: dict[tuple[str, str, str], Trajectory], split: str, key: str, roles: Roles) -> Change:
    tuned, base = shown.get((split, key, roles.candidate)), shown.get((split, key, roles.base))
    either = tuned or base
    return Change(
        split,
        either.task_id if either else key,
        either.intent if either else key,
        anchor(tuned.name) if tuned else "",
        anchor(base.name) if base else "",
    )


def order(facts: Facts) -> list[Trajectory]:
    """As they are listed: changed tasks first, then tuned, base, collected, trivial; by split and task."""
    gained, lost = changes(facts)
    changed = {link for change in (*gained, *lost) for link in (change.tuned, change.base) if link}
    ranks = {"evaluate-candidate": 0, "evaluate-base": 1, "collect": 2}
    return sorted(
        facts.trajectories,
        key=lambda item: (
            anchor(item.name) not in changed,
            ranks.get(item.phase, 3),
            item.split,
            item.world,
            item.task_id.zfill(12),
        ),
    )


def build(facts: Facts) -> Viewer:
    """The viewer's contents; texts are cut at a length each, and left out beyond a length in all."""
    gained, lost = changes(facts)
    marks = {link: "gained" for change in gained for link in (change.tuned, change.base)}
    marks |= {link: "lost" for change in lost for link in (change.tuned, change.base)}
    maker = _Maker(facts)
    films = [maker.film(item, marks.get(anchor(item.name), "")) for item in order(facts)]
    return Viewer(films, gained, lost, maker.num_texts_cut)


class _Maker:
    """Keeps count of texts and pictures while films are made."""

    def __init__(self, facts: Facts) -> None:
        self._facts = facts
        self._roles = iteration_text.roles(facts.iteration)
        self._text_left = _MAX_TEXT
        self._image_ids: dict[str, str] = {}
        self.num_texts_cut = 0

    def film(self, item: Trajectory, change: str) -> Film:
        """One trajectory as it is shown."""
        failed = item.state == Trajectory.STATE_FAILED
        broken = self._facts.broken_rules.get(item.name)
        return Film(
            anchor=anchor(item.name),
            phase=item.phase,
            group=_PHASES.get(item.phase, item.phase),
            split=item.split,
            policy=self._roles.label(item.policy),
            outcome="failed" if failed else "solved" if item.reward >= 1 else "unsolved",
            task_id=item.task_id,
            intent=output.plain(item.intent),
            ended_by=(item.error if failed else item.stop_reason.replace("_", " ")) or words.DASH,
            answer=output.plain(item.answer),
            final_url=output.plain(item.final_url),
            seconds=words.duration(item.timings.total_s),
            change=change,
            filter="" if broken is None else "kept" if not broken else ", ".join(broken).replace("_", " "),
            checks=[output.plain(check) for check in item.checks],
            frames=[self._frame(item, step) for step in item.steps],
        )

    def _frame(self, item: Trajectory, step: Step) -> Frame:
        known = self._image_ids.get(step.screenshot, "")
        image, image_id = "", ""
        if not known and step.screenshot in self._facts.images:
            image_id = f"{anchor(item.name)}-{step.index}"
            self._image_ids[step.screenshot] = image_id
            image = "data:image/jpeg;base64," + base64.b64encode(self._facts.images[step.screenshot]).decode()
        return Frame(
            number=step.index + 1,
            url=output.plain(step.url),
            action=output.plain(step.action),
            response=self._cut(step.response, _MAX_RESPONSE),
            observation=self._cut(step.observation, _MAX_OBSERVATION),
            problems=[output.plain(text) for text in (step.error, *step.events) if text],
            image=image,
            image_id=image_id,
            same_as=known,
            seconds=words.duration(step.model_s + step.act_s + step.observe_s),
        )

    def _cut(self, text: str, limit: int) -> str:
        if len(text) > (limit := min(limit, self._text_left)):
            self.num_texts_cut += 1
            text = text[:limit] + f"\n[... {len(text) - limit:,} more characters are left out]"
        self._text_left = max(0, self._text_left - len(text))
        return output.plain(text)
