"""The reward of an episode: the product of its task's evaluators.

Invariant: the reward is 0 or 1, whatever the answer and the page hold. Cheap evaluators come first, and pages are
looked at only while nothing has failed.
"""

from __future__ import annotations

from typing import Any

from ratchet.scoring.v1 import scoring_service_pb2 as pb
from services.common.errors import FailedPrecondition
from services.scoring import strings, tasks
from services.scoring.looks import Looker
from services.scoring.matching import Matching


async def evaluate(
    request: pb.EvaluateEpisodeRequest, browser: Any, probe_timeout_s: float, matching: Matching
) -> pb.EvaluateEpisodeResponse:
    """Reward and checks. Raises InvalidArgument (malformed task) and FailedPrecondition (no session to look with)."""
    placeholders = dict(request.placeholders)
    wanted = tasks.parse(request.task_json, placeholders)
    checks = []
    if "string_match" in wanted.eval_types:
        checks.append(_check("string_match", strings.judge(wanted, request.answer, matching.in_answer)))
    if "url_match" in wanted.eval_types:
        reference, final = wanted.reference_url or "", request.final_url
        passed = matching.at_url(reference, final, wanted.url_note)
        checks.append(_check("url_match", (passed, f"ended at {final}" + ("" if passed else f", wanted {reference}"))))
    if "program_html" in wanted.eval_types:
        if not request.session:
            raise FailedPrecondition(
                "this task is judged by what its pages show, and the request names no session to look with; "
                "evaluate before the session is deleted"
            )
        looker = Looker(browser, request.session, request.final_url, placeholders, probe_timeout_s, matching.in_page)
        for target in wanted.program_html or []:
            if not all(check.passed for check in checks):
                break
            checks.append(_check("program_html", await looker.judge(target)))
    return pb.EvaluateEpisodeResponse(
        reward=float(all(check.passed for check in checks)), checks=checks, matching=matching.name
    )


def _check(evaluator: str, verdict: tuple[bool, str]) -> pb.Check:
    passed, detail = verdict
    return pb.Check(evaluator=evaluator, passed=passed, detail=detail)
