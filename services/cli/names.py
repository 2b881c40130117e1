"""From what a person types to a resource's name: `last`, `3f2a`, `iterations/3f2a` -> `iterations/3f2ab81c...`.

Invariant: a short id is accepted only when exactly one resource starts with it.
"""

from __future__ import annotations

from collections.abc import Sequence

from services.cli import client
from services.cli.words import short
from services.common.errors import InvalidArgument, NotFound

LAST = "last"
_SHOWN = 5


def match(typed: str, collection: str, known: Sequence[str], *, listing: str) -> str:
    """The one known name (newest first) that was meant. NotFound and InvalidArgument say what to type instead."""
    if typed == LAST:
        if not known:
            raise NotFound(f"there are no {collection} yet", name=typed)
        return known[0]
    wanted = typed.removeprefix(f"{collection}/")
    if not wanted or "/" in wanted:
        raise InvalidArgument(f"{typed!r} is not the name of one of the {collection}; list them with `{listing}`")
    exact = [name for name in known if short(name) == wanted]
    found = exact or [name for name in known if short(name).startswith(wanted)]
    if len(found) == 1:
        return found[0]
    if not found:
        raise NotFound(f"none of the {collection} is called {wanted!r}; list them with `{listing}`", name=typed)
    some = ", ".join(short(name) for name in found[:_SHOWN]) + (", ..." if len(found) > _SHOWN else "")
    raise InvalidArgument(f"{wanted!r} could be any of {some}; give more of the id", name=typed)


async def iteration(rooms: client.Rooms, typed: str) -> str:
    """Name of an iteration."""
    from ratchet.orchestrator.v1 import iteration_service_pb2 as pb

    request = pb.ListIterationsRequest(page_size=client.PAGE)
    known = [item.name async for item in client.paged(rooms.iterations.ListIterations, request, "iterations")]
    return match(typed, "iterations", known, listing="ratchet iterations list")


async def evaluation(rooms: client.Rooms, typed: str) -> str:
    """Name of an evaluation."""
    from ratchet.orchestrator.v1 import evaluation_service_pb2 as pb

    request = pb.ListEvaluationsRequest(page_size=client.PAGE)
    known = [item.name async for item in client.paged(rooms.evaluations.ListEvaluations, request, "evaluations")]
    return match(typed, "evaluations", known, listing="ratchet evaluations list")


async def policy(rooms: client.Rooms, typed: str) -> str:
    """Name of a policy; `current` is the one that new iterations start from."""
    from ratchet.orchestrator.v1 import policy_service_pb2 as pb

    request = pb.ListPoliciesRequest(page_size=client.PAGE)
    known = [item async for item in client.paged(rooms.policies.ListPolicies, request, "policies")]
    if typed == "current":
        for item in known:
            if item.current:
                return str(item.name)
        raise NotFound("no policy is current yet; list them with `ratchet policies list`")
    return match(typed, "policies", [item.name for item in known], listing="ratchet policies list")


async def run(rooms: client.Rooms, typed: str) -> str:
    """Name of an iteration or an evaluation; a bare id is looked for among iterations first."""
    if typed.startswith("evaluations/"):
        return await evaluation(rooms, typed)
    if typed.startswith("iterations/") or typed == LAST:
        return await iteration(rooms, typed)
    try:
        return await iteration(rooms, typed)
    except NotFound:
        return await evaluation(rooms, typed)


async def trajectory(rooms: client.Rooms, typed: str, within: str) -> str:
    """Name of a trajectory: in full, or short within a run (`within` empty: within all runs)."""
    from ratchet.trajectory.v1 import trajectory_service_pb2 as pb

    head, found, tail = typed.rpartition("/trajectories/")
    if found:
        within = await run(rooms, head)
        typed = tail
    request = pb.ListTrajectoriesRequest(parent=within, page_size=client.PAGE)
    known = [item.name async for item in client.paged(rooms.trajectories.ListTrajectories, request, "trajectories")]
    return match(typed, "trajectories", known, listing="ratchet trajectories list")


async def dataset(rooms: client.Rooms, typed: str) -> str:
    """Name of a dataset."""
    from ratchet.trajectory.v1 import trajectory_service_pb2 as pb

    request = pb.ListDatasetsRequest(page_size=client.PAGE)
    known = [item.name async for item in client.paged(rooms.trajectories.ListDatasets, request, "datasets")]
    return match(typed, "datasets", known, listing="ratchet datasets list")
