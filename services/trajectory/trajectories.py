"""Trajectories: stored once with their steps, found again by name or by what they have in common.

Invariant: an episode has at most one SUCCEEDED trajectory, the first one; FAILED ones are kept beside it.
"""

from __future__ import annotations

import asyncio
import math
import time

from ratchet.trajectory.v1 import trajectory_service_pb2 as pb
from services.common import ids
from services.common.errors import InvalidArgument, NotFound
from services.trajectory import metrics, pages
from services.trajectory.blobs import Blobs
from services.trajectory.ports import Filter, Records, TrajectoryRecord

RUN_COLLECTIONS = ("iterations", "evaluations")
_LOAD_AT_ONCE = 16
_States = pb.Trajectory.State


def parse_run(name: str) -> str:
    """`name` if it is iterations/{i} or evaluations/{v}; raises InvalidArgument."""
    collection = name.partition("/")[0]
    if collection not in RUN_COLLECTIONS:
        raise InvalidArgument(f"{name!r} is not a run; runs are iterations/<id> or evaluations/<id>", name=name)
    ids.parse(name, collection)
    return name


def parse_name(name: str) -> tuple[str, str]:
    """Run and id of {run}/trajectories/{t}; raises InvalidArgument."""
    return _parse_child(name, "trajectories")


def _parse_child(name: str, kind: str) -> tuple[str, str]:
    collection = name.partition("/")[0]
    if collection not in RUN_COLLECTIONS:
        raise InvalidArgument(
            f"{name!r} is not of the form iterations/<i>/{kind}/<id> or evaluations/<v>/{kind}/<id>", name=name
        )
    run, child = ids.parse(name, collection, kind)
    return f"{collection}/{run}", child


def to_record(trajectory: pb.Trajectory, steps_blob: str) -> TrajectoryRecord:
    """The row of a checked trajectory."""
    header = pb.Trajectory()
    header.CopyFrom(trajectory)
    header.ClearField("steps")
    header.num_steps = len(trajectory.steps)
    if not header.HasField("create_time"):
        header.create_time.FromNanoseconds(time.time_ns())
    return TrajectoryRecord(
        name=header.name,
        run=parse_name(header.name)[0],
        episode=header.episode,
        attempt=header.attempt,
        state=_short(header.state),
        policy=header.policy,
        suite=header.suite,
        split=header.split,
        phase=header.phase,
        world=header.world,
        task_id=header.task_id,
        reward=header.reward,
        stop_reason=header.stop_reason,
        num_steps=header.num_steps,
        create_time_us=header.create_time.ToMicroseconds(),
        header=header.SerializeToString(),
        steps_blob=steps_blob,
    )


def check(trajectory: pb.Trajectory) -> None:
    """Raise InvalidArgument for a trajectory that cannot be stored, naming the field."""
    run, own_id = parse_name(trajectory.name)
    episode_run, episode = _parse_child(trajectory.episode, "episodes")
    if trajectory.attempt < 1:
        raise InvalidArgument(f"trajectory.attempt is {trajectory.attempt}; attempts are counted from 1")
    if run != episode_run or own_id != f"{episode}-{trajectory.attempt}":
        raise InvalidArgument(
            f"trajectory.name {trajectory.name!r} does not belong to attempt {trajectory.attempt} of "
            f"{trajectory.episode!r}; it must be {episode_run}/trajectories/{episode}-{trajectory.attempt}"
        )
    if trajectory.state not in (_States.STATE_SUCCEEDED, _States.STATE_FAILED):
        raise InvalidArgument("trajectory.state must be STATE_SUCCEEDED or STATE_FAILED: only ended attempts are kept")
    if not math.isfinite(trajectory.reward) or not 0 <= trajectory.reward <= 1:
        raise InvalidArgument(f"trajectory.reward is {trajectory.reward}; rewards lie between 0 and 1")


class Trajectories:
    """The trajectories of all runs."""

    def __init__(self, records: Records, blobs: Blobs) -> None:
        self._records = records
        self._blobs = blobs

    async def create(self, trajectory: pb.Trajectory) -> pb.Trajectory:
        """Store it, or leave what was stored before; the stored one, without steps. Raises InvalidArgument."""
        check(trajectory)
        with metrics.STORE_SECONDS.time():
            steps = pb.Trajectory(steps=trajectory.steps).SerializeToString()
            digest = await self._blobs.put(steps)
            record, added = await self._records.add(to_record(trajectory, digest))
        if added:
            metrics.TRAJECTORIES_STORED.labels(record.state).inc()
        else:
            metrics.TRAJECTORIES_REPEATED.inc()
        return pb.Trajectory.FromString(record.header)

    async def get(self, name: str) -> pb.Trajectory:
        """One trajectory with its steps; raises NotFound."""
        parse_name(name)
        record = await self._records.find(name)
        if record is None:
            raise NotFound(f"there is no trajectory {name}", name=name)
        return await self._with_steps(record)

    async def page(self, request: pb.ListTrajectoriesRequest) -> pb.ListTrajectoriesResponse:
        """A page, newest first, cut before it passes pages.MAX_BYTES (but never empty while rows are left)."""
        wanted = _filter(request)
        limit, before = pages.size(request.page_size), pages.position(wanted, request.page_token)
        rows = await self._records.page(wanted, before, limit + 1)
        response = pb.ListTrajectoriesResponse(total_size=await self._records.count(wanted))
        num_bytes, last_seq = 0, 0
        for start in range(0, min(limit, len(rows)), _LOAD_AT_ONCE):
            batch = rows[start : min(start + _LOAD_AT_ONCE, limit)]
            for row, trajectory in zip(batch, await self._load(batch, request.with_steps), strict=True):
                num_bytes += trajectory.ByteSize()
                if last_seq and num_bytes > pages.MAX_BYTES:
                    response.next_page_token = pages.token(wanted, last_seq)
                    return response
                response.trajectories.append(trajectory)
                last_seq = row.seq
        if len(rows) > limit:
            response.next_page_token = pages.token(wanted, last_seq)
        return response

    async def _load(self, rows: list[TrajectoryRecord], with_steps: bool) -> list[pb.Trajectory]:
        if not with_steps:
            return [pb.Trajectory.FromString(row.header) for row in rows]
        return await asyncio.gather(*map(self._with_steps, rows))

    async def _with_steps(self, record: TrajectoryRecord) -> pb.Trajectory:
        trajectory = pb.Trajectory.FromString(record.header)
        trajectory.MergeFromString(await self._blobs.get(record.steps_blob))
        return trajectory


def _filter(request: pb.ListTrajectoriesRequest) -> Filter:
    return Filter(
        run=parse_run(request.parent) if request.parent else "",
        policy=request.policy,
        split=request.split,
        phase=request.phase,
        state=_short(request.state) if request.state else "",
        task_id=request.task_id,
    )


def _short(state: pb.Trajectory.State.ValueType) -> str:
    try:
        return _States.Name(state).removeprefix("STATE_")
    except ValueError:
        raise InvalidArgument(f"{state} is not a state of a trajectory") from None
