"""An experiment as it is written down: a TOML file of settings and ordered runs.

Invariant: what was loaded can be run: every key is known, and a run refers to earlier runs only.
"""

from __future__ import annotations

import difflib
import tomllib
from importlib import resources
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from services.common.errors import InvalidArgument, NotFound

BUILTIN = ("base", "trivial", "expert")
INSTANCES: Final = "heldout-instances"
TEMPLATES: Final = "heldout-templates"
TRAIN: Final = "train"
Seeds = Annotated[list[Annotated[int, Field(ge=1)]], Field(min_length=1)]
_COLLECTING = ("train_tasks", "attempts", "temperature", "votes", "train_world_seed")


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Learning(_Strict):
    """What a run may set for itself; what it leaves out is taken from [settings]. 0 and "" leave it to the host."""

    strategy: str = "paper"
    mixture: Literal["A", "B", "C"] = "A"
    # "paper" (first, middle, last step), "all" or "unsure"; "" takes the strategy's.
    rows: Literal["", "paper", "all", "unsure"] = ""
    train_tasks: int = Field(100, ge=1)
    attempts: int = Field(1, ge=1)
    # 0 is greedy; several attempts are then sampled as the host does.
    temperature: float = Field(0.0, ge=0, le=2)
    # Responses that each step of an attempt is voted on by; 0 takes the strategy's.
    votes: int = Field(0, ge=0, le=64)
    train_world_seed: int = Field(1, ge=1)
    preset: Literal["", "paper", "standard", "tiny"] = ""
    method: Literal["", "lora", "qlora", "dora"] = ""
    lora_rank: int = Field(0, ge=0)
    lora_alpha: int = Field(0, ge=0)
    learning_rate: float = Field(0.0, ge=0)
    batch_size: int = Field(0, ge=0)
    max_epochs: int = Field(0, ge=0)
    patience: int = Field(0, ge=0)
    # Training seeds: one iteration each. They share the first one's attempts, unless each follows its own iteration.
    seeds: Seeds = [42]


class Settings(Learning):
    """What holds for all runs."""

    suite: str = "arena"
    eval_tasks: int = Field(100, ge=1)
    template_tasks: int = Field(40, ge=1)
    # Training tasks to measure on as well; 0: none.
    train_eval_tasks: int = Field(0, ge=0)
    # Worlds of the held-out tasks; the gate sees the first one's.
    eval_world_seeds: Seeds = [1]
    max_steps: int = Field(30, ge=1)
    # Episodes at a time; 0 leaves it to the host.
    parallel: int = Field(0, ge=0, le=256)
    screenshots: bool = False
    # Splits on which trajectories are compared with the expert's; [] where the suite has no expert.
    likeness_splits: list[Literal["heldout-instances", "heldout-templates"]] = [INSTANCES, TEMPLATES]
    # The run whose gain over the base is the experiment's result; "" takes the last.
    headline: str = ""
    # Pace on two cores, for the estimate that is told before the start.
    episodes_per_minute: float = Field(120.0, gt=0)
    minutes_per_training: float = Field(1.0, ge=0)


class Run(Learning):
    """One row of the paper's table: one iteration for each of its seeds."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9-]{0,39}$")
    title: str = Field(min_length=1)
    # Run whose attempts are trained on in place of new ones.
    collected_by: str = ""
    # Run that this one comes after: its candidate tries the tasks.
    follows: str = ""
    # Whether it is in the tables; one that is not is measured on a single task of each split.
    measured: bool = True


class Experiment(_Strict):
    """A file, read and checked."""

    name: str
    title: str
    settings: Settings
    runs: list[Run] = Field(min_length=1)

    def run(self, name: str) -> Run:
        """The run of that name."""
        return next(run for run in self.runs if run.name == name)

    @property
    def headline(self) -> Run:
        """The run whose gain is the result."""
        return self.run(self.settings.headline) if self.settings.headline else self.runs[-1]

    def round(self, run: Run) -> int:
        """1 for a run that starts from the base, one more for each run that it comes after."""
        return 1 + (self.round(self.run(run.follows)) if run.follows else 0)


class _File(_Strict):
    """The shape of a file, before its runs inherit."""

    title: str = Field(min_length=1)
    settings: dict[str, Any] = {}
    runs: list[dict[str, Any]] = Field(min_length=1)
    # Settings that win everywhere, in runs too, when it has to be quick; `skip` names runs to leave out.
    quick: dict[str, Any] = {}


def load(asked: str, *, quick: bool = False) -> Experiment:
    """A packaged experiment by its name, or a file by its path. NotFound; InvalidArgument names the faults."""
    folder = resources.files("services.cli.experiments")
    if asked.endswith(".toml") or "/" in asked:
        try:
            text = Path(asked).read_text(encoding="utf-8")
        except OSError as error:
            raise NotFound(f"cannot read the experiment {asked}: {error.strerror}") from error
    elif (packaged := folder.joinpath(f"{asked}.toml")).is_file():
        text = packaged.read_text(encoding="utf-8")
    else:
        known = sorted(Path(file.name).stem for file in folder.iterdir() if file.name.endswith(".toml"))
        raise NotFound(f"there is no experiment {asked!r}; packaged: {', '.join(known)}; your own file ends in .toml")
    name = Path(asked).stem
    # Both variants, so that a fault in [quick] is not found first by the one who is in a hurry.
    return {variant: parse(text, name, quick=variant) for variant in (False, True)}[quick]


def parse(text: str, name: str, *, quick: bool = False) -> Experiment:
    """The experiment that a file's text describes. InvalidArgument names each fault."""
    where = f"{name}.toml{' with [quick]' if quick else ''}"
    try:
        file = _File.model_validate(tomllib.loads(text))
        overrides = file.quick if quick else {}
        skipped = overrides.get("skip", [])
        settings = Settings.model_validate(
            {**file.settings, **{key: value for key, value in overrides.items() if key != "skip"}}
        )
        own = [run for run in file.runs if run.get("name") not in skipped]
        given = [{key: value for key, value in run.items() if key not in overrides} for run in own]
        found = Experiment.model_validate(
            {"name": name, "title": file.title, "settings": settings, "runs": _inherit(given, settings)}
        )
    except tomllib.TOMLDecodeError as error:
        raise InvalidArgument(f"{where} is not TOML: {error}") from error
    except ValidationError as error:
        faults = [_fault(each, error.title) for each in error.errors()]
        raise InvalidArgument(f"{where}:\n" + "\n".join(faults)) from error
    unknown = set(skipped) - {run.get("name") for run in file.runs}
    faults = [*_faults(found, given), *(f"quick.skip: there is no run {each!r}" for each in sorted(unknown))]
    if faults:
        raise InvalidArgument(f"{where}:\n" + "\n".join(faults))
    return found


def _inherit(runs: list[dict[str, Any]], settings: Settings) -> list[dict[str, Any]]:
    """Runs with what they leave out: of the settings, and of the run whose attempts they take."""
    shared = settings.model_dump(include=set(Learning.model_fields))
    whole: list[dict[str, Any]] = []
    for run in runs:
        source = next((each for each in whole if each.get("name") == run.get("collected_by", "")), shared)
        whole.append({**shared, **{key: source[key] for key in _COLLECTING}, **run})
    return whole


def _fault(error: Any, title: str) -> str:
    """One of pydantic's errors as a person reads it."""
    parts = [f"number {part + 1}" if isinstance(part, int) else str(part) for part in error["loc"]]
    place = ".".join(["settings", *parts] if title == "Settings" else parts)
    if error["type"] != "extra_forbidden":
        return f"{place}: {error['msg']}"
    models: dict[str, type[BaseModel]] = {"Settings": Settings, "_File": _File}
    known = list(models.get(title, Run).model_fields)
    key = str(error["loc"][-1])
    close = difflib.get_close_matches(key, known, 1)
    hint = f"did you mean {close[0]!r}?" if close else f"known: {', '.join(known)}"
    return f"{place}: unknown key; {hint}"


def _faults(found: Experiment, given: list[dict[str, Any]]) -> list[str]:
    """What is wrong between runs."""
    faults, earlier = [], dict[str, Run]()
    names = [run.name for run in found.runs]
    for run, written in zip(found.runs, given, strict=True):
        if run.name in earlier or run.name in BUILTIN:
            faults.append(f"run {run.name!r}: the name is taken; {', '.join(BUILTIN)} are built in")
        for field in ("collected_by", "follows"):
            other = getattr(run, field)
            if other and other not in earlier:
                why = f"comes later: put it before {run.name!r}" if other in names else "is no run"
                faults.append(f"run {run.name!r}: {field} names {other!r}, which {why}")
        if run.collected_by and (twice := [key for key in _COLLECTING if key in written]):
            faults.append(f"run {run.name!r}: takes the attempts of {run.collected_by!r}; leave out {', '.join(twice)}")
        before = earlier.get(run.follows)
        if before and len(before.seeds) > 1 and not set(run.seeds) <= set(before.seeds):
            faults.append(f"run {run.name!r}: follows {before.name!r}, so its seeds must be among {before.seeds}")
        if len(set(run.seeds)) < len(run.seeds):
            faults.append(f"run {run.name!r}: a seed stands there twice: {run.seeds}")
        earlier[run.name] = run
    headline = earlier.get(found.settings.headline) if found.settings.headline else found.runs[-1]
    if headline is None or not headline.measured:
        faults.append(f"settings.headline: {found.settings.headline or found.runs[-1].name!r} is not a measured run")
    worlds = found.settings.eval_world_seeds
    if len(set(worlds)) < len(worlds):
        faults.append(f"settings.eval_world_seeds: a world stands there twice: {worlds}")
    return faults
