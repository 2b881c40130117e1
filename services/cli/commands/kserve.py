"""`kserve`: policies on a cluster's InferenceService, a candidate's canary, and the way back."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.cli import failures, invocation, output

if TYPE_CHECKING:
    from services.serving.adapters.inference_services import InferenceServices, Serving
    from services.serving.deployed import Deployed

app = typer.Typer(no_args_is_help=True, help="KServe: the policy that an InferenceService serves, and its canary.")

Namespace = Annotated[str, typer.Option("--namespace", "-n", help="Namespace of the InferenceService.")]
Name = Annotated[str, typer.Option(help="Its name; default: the only one that runs the serving room.")]
Detach = Annotated[bool, typer.Option("--detach", help="Return at once, not when it is ready.")]
Timeout = Annotated[float, typer.Option(min=1, help="Seconds until it must be ready.")]
_SHORT = 12


@dataclass(frozen=True)
class _Wait:
    detach: bool
    timeout_s: float


@app.command()
@failures.command
def status(
    ctx: typer.Context,
    namespace: Namespace = "ratchet",
    name: Name = "",
    watch: Annotated[bool, typer.Option("--watch", help="Until it is ready.")] = False,
    timeout: Timeout = 600,
) -> None:
    """Show what is deployed, and whether it is ready."""
    _tell(invocation.of(ctx), namespace, lambda services: services.get(name), _Wait(not watch, timeout))


@app.command()
@failures.command
def deploy(
    ctx: typer.Context,
    policy: Annotated[str, typer.Argument(help="Id, start of an id, `last` or `current`; `base` is no adapter.")],
    canary: Annotated[int, typer.Option(min=0, max=99, help="Percent of the episodes; 0 is all, at once.")] = 0,
    namespace: Namespace = "ratchet",
    name: Name = "",
    detach: Detach = False,
    timeout: Timeout = 600,
) -> None:
    """Serve a policy, or with --canary give it a share of the episodes beside the one that is served."""
    at = invocation.of(ctx)
    digest = asyncio.run(_digest(at, policy))
    to = (lambda now: now.canary(digest, canary)) if canary else (lambda now: now.replaced(digest))
    _change(at, namespace, name, to, _Wait(detach, timeout))


@app.command()
@failures.command
def promote(
    ctx: typer.Context,
    namespace: Namespace = "ratchet",
    name: Name = "",
    detach: Detach = False,
    timeout: Timeout = 600,
) -> None:
    """Give the candidate every episode."""
    _change(invocation.of(ctx), namespace, name, lambda now: now.promoted(), _Wait(detach, timeout))


@app.command()
@failures.command
def rollback(
    ctx: typer.Context,
    namespace: Namespace = "ratchet",
    name: Name = "",
    detach: Detach = False,
    timeout: Timeout = 600,
) -> None:
    """Take the candidate's share away; where there is none, go back to the policy before."""
    _change(invocation.of(ctx), namespace, name, lambda now: now.rolled_back(), _Wait(detach, timeout))


@app.command()
@failures.command
def apply(
    ctx: typer.Context,
    files: Annotated[list[Path], typer.Argument(help="Manifests of one model server, e.g. one for each kind.")],
    namespace: Namespace = "ratchet",
    detach: Detach = False,
    timeout: Timeout = 600,
) -> None:
    """Create or update a model server; of two kinds the one that the cluster has, LLMInferenceService first."""
    at, wait = invocation.of(ctx), _Wait(detach, timeout)
    _tell(at, namespace, lambda services: services.apply([body for path in files for body in _read(path)]), wait)


def _read(path: Path) -> list[dict[str, Any]]:
    import yaml

    from services.common.errors import InvalidArgument

    try:
        found = [body for body in yaml.safe_load_all(path.read_text()) if body]
    except yaml.YAMLError as error:
        raise InvalidArgument(f"{path} is not YAML: {error}") from error
    if not all(isinstance(body, dict) for body in found):
        raise InvalidArgument(f"{path} holds something that is no object of Kubernetes")
    # What goes with it is kubectl's to apply.
    return [body for body in found if str(body.get("apiVersion", "")).startswith("serving.kserve.io/")]


async def _digest(at: invocation.Invocation, policy: str) -> str:
    from ratchet.orchestrator.v1 import policy_service_pb2 as pb
    from services.cli import client, names
    from services.common.errors import InvalidArgument

    async with client.connect(at) as rooms:
        request = pb.GetPolicyRequest(name=await names.policy(rooms, policy))
        found = (await rooms.policies.GetPolicy(request)).policy
    if found.kind != "model":
        raise InvalidArgument(f"{found.name} has no model; deploy one that `ratchet policies list` shows as a model")
    return str(found.adapter_digest)


def _change(
    at: invocation.Invocation, namespace: str, name: str, to: Callable[[Deployed], Deployed], wait: _Wait
) -> None:
    _tell(at, namespace, lambda services: services.change(name, to), wait)


def _tell(at: invocation.Invocation, namespace: str, act: Callable[[InferenceServices], Serving], wait: _Wait) -> None:
    """Do it, note how it goes on, and say what it has come to."""
    from services.host.clusters import inference_services

    services = inference_services(namespace)
    seen = act(services)
    if not wait.detach:
        for now in services.watch(seen, wait.timeout_s):
            if (now.state, now.message) != (seen.state, seen.message):
                output.note(f"{now.name}: {now.state} {now.message}".rstrip())
            seen = now
    _show(at, seen)


def _show(at: invocation.Invocation, seen: Serving) -> None:
    if at.as_json:
        output.document({**vars(seen), "deployed": seen.deployed.model_dump()})
        return
    now = seen.deployed
    output.fields(
        (
            ("service", f"{seen.kind} {seen.name}"),
            ("state", f"{seen.state} {seen.message}".rstrip()),
            ("url", seen.url),
            ("adapter", _short(now.policy) if seen.kind == "InferenceService" else ""),
            ("candidate", f"{_short(now.candidate)} for {now.percent} % of the episodes" if now.percent else ""),
            ("before", _short(now.previous) if now.previous != now.policy else ""),
        )
    )


def _short(digest: str) -> str:
    return digest[:_SHORT] or "base"
