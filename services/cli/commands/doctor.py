"""`doctor`: is this machine able to run Ratchet, and does its host answer?"""

from __future__ import annotations

import typer

from services.cli import failures, invocation, output


@failures.command
async def doctor(ctx: typer.Context) -> None:
    """Check this machine and the host; each problem names its next step. Exits with 1 when there is one."""
    from services.cli import checks

    at = invocation.of(ctx)
    findings = []
    async for found in checks.run(at):
        findings.append(found)
        if not at.as_json:
            output.say(f"{found.level:<8} {found.subject:<18} {found.text}")
            if found.next_step:
                output.say(f"{'':<27} -> {found.next_step}")
    num_problems = sum(found.level == checks.PROBLEM for found in findings)
    if at.as_json:
        output.document({"checks": [found._asdict() for found in findings], "num_problems": num_problems})
    elif num_problems:
        output.say(f"{num_problems} problem{'s' if num_problems > 1 else ''}")
    else:
        output.say("all is well")
    if num_problems:
        raise typer.Exit(failures.OTHER)
