"""`policies`: the registry."""

from __future__ import annotations

from typing import Annotated

import typer

from services.cli import failures, invocation, output, words

app = typer.Typer(no_args_is_help=True, help="Policies: the base, what iterations made of it, and the built-in agents.")


@app.command("list")
@failures.command
async def list_(
    ctx: typer.Context, limit: Annotated[int, typer.Option(min=0, help="At most so many; 0 for all.")] = 50
) -> None:
    """List policies, newest first; the built-in ones last."""
    from ratchet.orchestrator.v1 import policy_service_pb2 as pb
    from services.cli import client

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        request = pb.ListPoliciesRequest(page_size=client.PAGE)
        found, more = await client.some(rooms.policies.ListPolicies, request, "policies", limit)
    if at.as_json:
        output.document({"policies": [output.as_dict(item) for item in found], "more": more})
        return
    output.table(
        ("POLICY", "STATE", "CURRENT", "KIND", "MADE BY", "PARENT", "ADAPTER", "CREATED"),
        (
            (
                words.short(item.name),
                words.state(pb.Policy.State.Name(item.state)),
                "*" if item.current else "",
                item.kind,
                item.iteration,
                words.short(item.parent),
                item.adapter_digest[:12],
                words.when(item.create_time),
            )
            for item in found
        ),
    )


@app.command()
@failures.command
async def show(
    ctx: typer.Context, policy: Annotated[str, typer.Argument(help="Id, start of an id, `last` or `current`.")]
) -> None:
    """Show one policy."""
    from ratchet.orchestrator.v1 import policy_service_pb2 as pb
    from services.cli import client, names

    at = invocation.of(ctx)
    async with client.connect(at) as rooms:
        name = await names.policy(rooms, policy)
        found = (await rooms.policies.GetPolicy(pb.GetPolicyRequest(name=name))).policy
    if at.as_json:
        output.document(output.as_dict(found))
        return
    output.fields(
        (
            ("policy", found.name),
            ("state", words.state(pb.Policy.State.Name(found.state)) + (" (current)" if found.current else "")),
            ("kind", found.kind),
            ("base model", found.base_model),
            ("adapter", found.adapter_digest),
            ("adapter blob", found.adapter_blob),
            ("made by", found.iteration),
            ("parent", found.parent),
            ("created", words.when(found.create_time)),
        )
    )
