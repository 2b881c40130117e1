"""The agent loop: observe, ask, act, until the agent stops or the rules stop it; then judge and record.

Invariant: the session and the world are closed however the episode ends, and exactly one trajectory is written:
SUCCEEDED with a reward, or FAILED with the machinery's error.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from ratchet.browser.v1 import browser_service_pb2 as browser_pb
from ratchet.rollout.v1 import rollout_service_pb2 as pb
from ratchet.scoring.v1 import scoring_service_pb2 as scoring_pb
from ratchet.trajectory.v1 import trajectory_service_pb2 as store_pb
from services.common import ids, prompts, rpc
from services.common.errors import FailedPrecondition, RatchetError, ResourceExhausted
from services.common.prompts.view import stop_answer, with_name
from services.rollout import metrics, stopping
from services.rollout.agents import Agent
from services.rollout.ports import Environment, EnvironmentFailed, World
from services.rollout.recording import Recorder
from services.rollout.settings import RolloutSettings

if TYPE_CHECKING:
    from ratchet.browser.v1.browser_service_pb2_grpc import BrowserServiceAsyncStub
    from ratchet.scoring.v1.scoring_service_pb2_grpc import ScoringServiceAsyncStub

_EVALUATION_TIMEOUT_S = 120.0
_OPENING_TIMEOUT_S = 60.0
NOT_AN_ACTION = "the format was incorrect: no action could be read from the response"


class AttemptStarved(FailedPrecondition):
    """A room that the attempt needed in the middle had no place for it in time."""

    reason = "ATTEMPT_STARVED"


@dataclass
class _State:
    """Where the loop stands."""

    observation: browser_pb.Observation
    previous: str = ""
    previous_element: tuple[str, str] = ("", "")
    answer: str = ""


class Episode:
    """One attempt. `run` yields a StepTaken for each step; the trajectory is in `recorder` at the end."""

    def __init__(
        self,
        request: pb.RunEpisodeRequest,
        task: dict[str, Any],
        agent: Agent,
        environment: Environment,
        browser_at: Callable[[str], BrowserServiceAsyncStub],
        scoring: ScoringServiceAsyncStub,
        recorder: Recorder,
        settings: RolloutSettings,
    ) -> None:
        self._request, self._task, self._agent, self._environment = request, task, agent, environment
        # Any browser opens a session; `_browser` is then the one that holds it.
        self._browser_at, self._browser, self._browser_address = browser_at, browser_at(""), ""
        self._interaction = rpc.Conversation(self._browser.Interact)
        self._scoring, self._recorder, self._begun = scoring, recorder, False
        self._settings = settings
        self._format = request.agent.observation_format or agent.format.observation_format

    async def run(self) -> AsyncGenerator[pb.StepTaken, None]:
        """Raises the RatchetError of the machinery after recording the attempt as FAILED.

        ResourceExhausted is for an attempt that no browser had room for: it did not begin, and nothing is recorded.
        """
        try:
            async with self._opened() as (world, session, observation):
                intent = await self._environment.intent(self._task, lambda locator: self._read(session, locator))
                self._recorder.asked(intent)
                state = _State(observation)
                reason = ""
                rules = stopping.StoppingRules(self._request.max_steps)
                while not reason:
                    started = time.perf_counter()
                    step = await self._step(session, state)
                    reason = stopping.ANSWERED if step.action.startswith("stop") else rules.observe(step.action)
                    yield pb.StepTaken(index=step.index, action=step.action, elapsed_s=time.perf_counter() - started)
                evaluation = await self._evaluate(world, session, state)
            checks = [f"{c.evaluator}: {'passed' if c.passed else 'failed'}: {c.detail}" for c in evaluation.checks]
            await self._recorder.succeed(reason, state.answer, evaluation.reward, checks)
        except RatchetError as error:
            if isinstance(error, ResourceExhausted) and not self._begun:
                raise
            await asyncio.shield(self._recorder.fail(f"{error.reason}: {error.message}"))
            if isinstance(error, ResourceExhausted):
                raise AttemptStarved(f"{self._request.episode} was given up half-way: {error.message}") from error
            raise

    @asynccontextmanager
    async def _opened(self) -> AsyncIterator[tuple[World, str, browser_pb.Observation]]:
        started = time.perf_counter()
        world = await self._environment.open(self._request.world, self._task)
        session = ""
        try:
            start_url, *more = (url.strip() for url in world.display(str(self._task["start_url"])).split("|AND|"))
            reply = await self._session(world, start_url)
            session, self._begun = reply.session, True
            self._browser, self._browser_address = self._browser_at(reply.address), reply.address
            self._interaction = rpc.Conversation(self._browser.Interact)
            observation = await self._open_tabs(session, more) if more else reply.observation
            self._recorder.timings.setup_s += time.perf_counter() - started
            yield world, session, observation
        finally:
            await asyncio.shield(self._close(world, session))

    async def _session(self, world: World, start_url: str) -> browser_pb.CreateSessionResponse:
        """A session in any browser that has room; one that is full is asked again as late as it says."""
        request = browser_pb.CreateSessionRequest(
            # Of this run of the attempt: another that was taken for dead may still act in a session of its own.
            request_id=f"{self._recorder.trajectory.name}#{ids.new_id()}",
            sites=[browser_pb.Site(display_url=d, real_url=r) for d, r in world.sites.items()],
            start_url=start_url,
            storage_state_json=world.storage_state_json,
            headers=world.headers,
            budget_s=self._settings.session_budget_s,
            observation_format=self._format,
            geolocation=_place(self._task),
        )
        return await rpc.admitted(
            lambda left_s: self._browser.CreateSession(request, timeout=min(left_s, _OPENING_TIMEOUT_S)),
            self._settings.session_wait_s,
        )

    async def _open_tabs(self, session: str, urls: list[str]) -> browser_pb.Observation:
        """Further start pages, each in a tab of its own behind the first, as WebArena opens them."""
        for url in urls:
            for action in ("new_tab", f"goto [{url}]"):
                reply = await self._browser.Act(browser_pb.ActRequest(session=session, action=action))
                if reply.error:
                    raise EnvironmentFailed(f"the start page {url} did not open: {reply.error}")
        request = browser_pb.ActRequest(session=session, action="tab_focus [0]", observation_format=self._format)
        return (await self._browser.Act(request)).observation

    async def _read(self, session: str, locator: str) -> str:
        reply = await self._browser.Probe(browser_pb.ProbeRequest(session=session, url="last", locator=locator))
        return reply.content

    async def _close(self, world: World, session: str) -> None:
        started = time.perf_counter()
        try:
            await self._interaction.close()
            if session:
                await self._browser.DeleteSession(browser_pb.DeleteSessionRequest(session=session))
        except RatchetError:
            pass  # the browser room is gone, and the session with it
        finally:
            await self._environment.close(world)
            self._recorder.timings.setup_s += time.perf_counter() - started

    async def _step(self, session: str, state: _State) -> store_pb.Step:
        observation = state.observation
        index = len(self._recorder.trajectory.steps)
        screenshot = await self._screenshot(session) if self._request.screenshots else ""
        view = prompts.View(
            observation.text, observation.url, self._recorder.trajectory.intent, state.previous, state.previous_element
        )
        started = time.perf_counter()
        decision = await self._agent.decide(view, observation, index)
        step = await self._recorder.add_step(index, observation, decision, time.perf_counter() - started)
        step.screenshot = screenshot
        self._recorder.timings.observe_s += observation.elapsed_s
        metrics.STEPS.labels(self._request.agent.kind).inc()
        metrics.TOKENS.labels("prompt").inc(decision.num_prompt_tokens)
        metrics.TOKENS.labels("response").inc(decision.num_response_tokens)
        text = self._agent.format.extract(decision.response)
        if text is None:
            step.error = NOT_AN_ACTION
            metrics.INVALID.labels(self._request.agent.kind).inc()
        elif (answer := stop_answer(text)) is not None:
            step.action, state.answer = f"stop [{answer}]", answer
        else:
            await self._act(session, text, step, state)
        return step

    async def _act(self, session: str, text: str, step: store_pb.Step, state: _State) -> None:
        started = time.perf_counter()
        asked = browser_pb.ActRequest(session=session, action=text, observation_format=self._format)
        reply = (await self._interaction.ask(browser_pb.InteractRequest(act=asked))).act
        step.act_s = time.perf_counter() - started - reply.observation.elapsed_s
        self._recorder.timings.act_s += step.act_s
        step.action, step.error = reply.action, reply.error
        step.events.extend(reply.events)
        if not reply.action:
            step.error = f"{NOT_AN_ACTION} ({reply.error})"
            metrics.INVALID.labels(self._request.agent.kind).inc()
            return
        elements = {e.id: (e.role, e.name) for e in state.observation.elements}
        state.previous, state.previous_element = reply.action, with_name(reply.action, elements)
        state.observation = reply.observation

    async def _screenshot(self, session: str) -> str:
        started = time.perf_counter()
        reply = await self._browser.TakeScreenshot(browser_pb.TakeScreenshotRequest(session=session))
        self._recorder.timings.observe_s += time.perf_counter() - started
        return await self._recorder.put_blob(reply.image)

    async def _evaluate(self, world: World, session: str, state: _State) -> scoring_pb.EvaluateEpisodeResponse:
        started = time.perf_counter()
        self._recorder.trajectory.final_url = state.observation.url
        reply = await self._scoring.EvaluateEpisode(
            scoring_pb.EvaluateEpisodeRequest(
                task_json=self._recorder.trajectory.task_json,
                answer=state.answer,
                final_url=state.observation.url,
                session=session,
                session_address=self._browser_address,
                placeholders=world.placeholders,
            ),
            timeout=_EVALUATION_TIMEOUT_S,
        )
        self._recorder.timings.evaluate_s += time.perf_counter() - started
        return reply


def _place(task: Mapping[str, Any]) -> browser_pb.Geolocation | None:
    """Where the task's agent is, if the task says so."""
    place = task.get("geolocation")
    if not isinstance(place, dict):
        return None
    return browser_pb.Geolocation(
        latitude=place["latitude"], longitude=place["longitude"], accuracy_m=place.get("accuracy", 0.0)
    )
