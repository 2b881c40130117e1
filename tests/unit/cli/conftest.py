"""An iteration as the rooms would tell it: two splits, a filter, a training job, attempts with hostile texts."""

from __future__ import annotations

import functools
import io
import json

import pytest
from google.protobuf.json_format import ParseDict
from google.protobuf.struct_pb2 import Struct

from ratchet.orchestrator.v1.iteration_service_pb2 import FilterSummary, Iteration, PhaseProgress, TimeBreakdown
from ratchet.orchestrator.v1.score_pb2 import Difference, Score, SplitReport
from ratchet.training.v1.training_service_pb2 import LoraConfig, TrainingJob, TrainingPoint, TrainingSpec
from ratchet.trajectory.v1.trajectory_service_pb2 import Dataset, Step, Timings, Trajectory
from services.cli.report.facts import Facts

RUN = "iterations/0k3f2ab81cxyz"
BASE, TUNED, TRIVIAL = "policies/base", "policies/0k3f2ab81cxyz", "policies/trivial"
HOSTILE = "</script><script>window.hacked=1</script><img src=x onerror='window.hacked=1'>\u202e\x1b[31m"
_POLICIES = {"evaluate-base": BASE, "evaluate-candidate": TUNED, "evaluate-trivial": TRIVIAL, "collect": BASE}
_INTENTS = (
    "What does the Velmora Kettle cost?",
    "Add two Norden Lamps to my wish list",
    "Which place in Kestrel County has the most inhabitants?",
    f"Post a reply that says {HOSTILE}",
    "Close every issue labelled stale in aurora/engine",
)


@functools.cache
def picture(shade: int) -> bytes:
    """A JPEG of 1280 x 720."""
    from PIL import Image, ImageDraw

    image = Image.new("RGB", (1280, 720), (shade, 244, 240))
    drawing = ImageDraw.Draw(image)
    for row in range(8):
        drawing.rectangle((80, 60 + 80 * row, 700 + 40 * (shade % 9), 90 + 80 * row), fill=(90, 110, 150 - shade % 80))
    target = io.BytesIO()
    image.save(target, "JPEG", quality=80)
    return target.getvalue()


def trajectory(phase: str, split: str, task: int, *, solved: bool, state: int = 1) -> Trajectory:
    """An attempt of three steps (one for the trivial agent)."""
    num_steps = 1 if phase == "evaluate-trivial" else 3
    steps = [
        Step(
            index=index,
            url="http://shop.test/search?q=kettle",
            observation=f"[4] textbox 'Search products'\n[12] link 'Velmora Kettle {index}'\ntext '{HOSTILE}'",
            response=f"Velmora Kettle [12]\nACTION: click [12] {HOSTILE if index == 1 else ''}",
            action="" if index == 1 and not solved else "click [12]" if index < num_steps - 1 else "stop [$12.99]",
            error="[12] is not on the page" if index == 1 and not solved else "",
            screenshot=f"blobs/{(task * 3 + index) % 11:064x}" if num_steps > 1 else "",
            model_s=0.21,
            act_s=0.12,
            observe_s=0.01,
        )
        for index in range(num_steps)
    ]
    return Trajectory(
        name=f"{RUN}/trajectories/{phase}.{split}.{task}.0-1",
        episode=f"{RUN}/episodes/{phase}.{split}.{task}.0",
        attempt=1,
        state=state,
        policy=_POLICIES[phase],
        suite="arena",
        split=split,
        phase=phase,
        world="eval/1",
        task_id=str(task),
        task_json=json.dumps({"task_id": task}),
        intent=_INTENTS[task % len(_INTENTS)],
        stop_reason="answered" if solved else "repeated_actions",
        answer="$12.99" if solved else HOSTILE,
        final_url="http://shop.test/product/velmora-kettle",
        reward=1.0 if solved else 0.0,
        checks=[f"string_match: wanted '$12.99', found '{'$12.99' if solved else HOSTILE}'"],
        error="the renderer crashed" if state == 2 else "",
        steps=steps,
        num_steps=num_steps,
        timings=Timings(total_s=2.4, model_call_s=0.7, observe_s=0.1, act_s=0.9),
        num_prompt_tokens=900,
        num_response_tokens=36,
        seed=2**63 + 7,
    )


def _split(name: str, num_tasks: int, base: int, tuned: int, trivial: int) -> SplitReport:
    def score(policy: str, solved: int) -> Score:
        mean = solved / num_tasks
        return Score(
            policy=policy,
            num_tasks=num_tasks,
            num_solved=solved,
            mean=mean,
            low=max(0.0, mean - 0.07),
            high=mean + 0.075,
        )

    change = (tuned - base) / num_tasks
    return SplitReport(
        split=name,
        world_seed=1,
        scores=[score(BASE, base), score(TUNED, tuned), score(TRIVIAL, trivial)],
        differences=[
            Difference(
                policy=TUNED,
                baseline=BASE,
                num_tasks=num_tasks,
                mean=change,
                low=change - 0.05,
                high=change + 0.05,
                p_value=0.021,
                gained=["eval/1:2", "eval/1:3"],
                lost=["eval/1:4"],
            ),
            Difference(
                policy=TRIVIAL,
                baseline=BASE,
                num_tasks=num_tasks,
                mean=(trivial - base) / num_tasks,
                low=-0.4,
                high=-0.2,
                p_value=0.00001,
            ),
        ],
        num_resamples=10_000,
        seed=42,
    )


@pytest.fixture
def iteration() -> Iteration:
    """One that ended with a promotion."""
    found = Iteration(
        name=RUN,
        state=Iteration.STATE_SUCCEEDED,
        phase="gate",
        base_policy=BASE,
        candidate_policy=TUNED,
        verdict="promoted",
        verdict_reason="the candidate is better: +10.0% on heldout-instances",
        filter=FilterSummary(
            num_trajectories=480,
            num_plausible=201,
            precision=0.71,
            recall=0.93,
            f1=0.805,
            broken_rules={"early_stop": 160, "looping": 121, "gave_up": 9},
        ),
        dataset="datasets/abc",
        training_job="trainingJobs/j1",
        reports=[_split("heldout-instances", 160, 56, 72, 8), _split("heldout-templates", 80, 20, 19, 4)],
        time=TimeBreakdown(model_s=420, page_s=260, store_s=12, ours_s=20, training_s=64, wall_s=312),
        num_episodes=1200,
        num_failed_attempts=2,
        phases=[
            PhaseProgress(phase=name, num_done=num, num_total=num, elapsed_s=elapsed_s, finished=True, detail=detail)
            for name, num, elapsed_s, detail in (
                ("collect", 480, 101.0, "171 solved"),
                ("curate", 1, 1.3, "201 plausible, 490 + 54 rows"),
                ("train", 190, 64.0, "loss 0.112, validation perplexity 1.108"),
                ("evaluate", 720, 144.0, "179 solved"),
                ("gate", 1, 0.2, ""),
            )
        ],
    )
    found.spec.suite = "arena"
    found.spec.rounds = 1
    found.spec.num_train_tasks = 240
    found.create_time.FromJsonString("2026-11-22T18:00:00Z")
    found.end_time.FromJsonString("2026-11-22T18:05:12Z")
    return found


@pytest.fixture
def trajectories() -> list[Trajectory]:
    """Attempts of every phase; task 2 and 3 were gained, 4 was lost."""
    solved = {"evaluate-base": {0, 4}, "evaluate-candidate": {0, 2, 3}, "evaluate-trivial": set(), "collect": {1}}
    found = [
        trajectory(phase, split, task, solved=task in solved[phase])
        for phase in solved
        for split in (("train",) if phase == "collect" else ("heldout-instances", "heldout-templates"))
        for task in range(6)
    ]
    return [*found, trajectory("collect", "train", 77, solved=False, state=2)]


@pytest.fixture
def facts(iteration: Iteration, trajectories: list[Trajectory]) -> Facts:
    """All that a report is made of."""
    points = [
        TrainingPoint(
            step=step,
            epoch=step / 38,
            train_loss=0.9 / (1 + step / 30) + 0.02 * (step % 3),
            validation_perplexity=1.45 / (1 + step / 600) if step % 38 == 0 else 0.0,
        )
        for step in range(1, 191)
    ]
    job = TrainingJob(
        name="trainingJobs/j1",
        state=TrainingJob.STATE_SUCCEEDED,
        spec=TrainingSpec(
            base_model="ratchet-tiny", lora=LoraConfig(rank=32, alpha=32), learning_rate=2e-3, batch_size=16
        ),
        num_steps=190,
        total_steps=190,
        points=points,
        adapter_digest="ab" * 32,
        best_validation_perplexity=1.108,
        initial_validation_perplexity=1.62,
        elapsed_s=64,
    )
    card = ParseDict({"mixture": "A", "sources": {"collected": 480, "kept": 201}, "rows": "all"}, Struct())
    dataset = Dataset(name="datasets/abc", num_train_rows=490, num_validation_rows=54, card=card)
    return Facts(
        iteration=iteration,
        trajectories=trajectories,
        job=job,
        dataset=dataset,
        broken_rules={
            item.name: [] if item.reward else ["early_stop"] for item in trajectories if item.phase == "collect"
        },
        num_collected=480,
        images={f"blobs/{number:064x}": picture(200 + 5 * number) for number in range(11)},
        num_images_left_out=3,
    )
