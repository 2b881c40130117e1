"""Policies: what is built in, what iterations made, and which one is current."""

from __future__ import annotations

from typing import TYPE_CHECKING

from ratchet.orchestrator.v1.policy_service_pb2 import Policy
from ratchet.rollout.v1.rollout_service_pb2 import Agent
from ratchet.serving.v1 import serving_service_pb2 as serving_pb
from services.common.errors import FailedPrecondition, NotFound
from services.orchestrator.registry import MAX_PAGE_SIZE, Registry

if TYPE_CHECKING:
    from ratchet.serving.v1.serving_service_pb2_grpc import ServingServiceAsyncStub

BASE, TRIVIAL, EXPERT = "policies/base", "policies/trivial", "policies/expert"
_WITHOUT_MODEL = {
    TRIVIAL: Policy(name=TRIVIAL, state=Policy.STATE_BUILTIN, kind="trivial"),
    EXPERT: Policy(name=EXPERT, state=Policy.STATE_BUILTIN, kind="expert"),
}


class UnknownPolicy(NotFound):
    """No policy of that name."""

    reason = "UNKNOWN_POLICY"


class WrongBase(FailedPrecondition):
    """The policy is an adapter for another base model than the one that is served."""

    reason = "WRONG_BASE"


class Policies:
    """The registry's policies together with the built-in ones, which need no row."""

    def __init__(self, registry: Registry, serving: ServingServiceAsyncStub) -> None:
        self._registry, self._serving = registry, serving

    async def model(self) -> serving_pb.Model:
        """The base model that is served. Raises what serving raises."""
        return (await self._serving.GetModel(serving_pb.GetModelRequest())).model

    async def builtin(self) -> list[Policy]:
        """Base, trivial and expert."""
        model = await self.model()
        current = not any(policy.current for policy in await self._made())
        base = Policy(name=BASE, state=Policy.STATE_BUILTIN, kind="model", base_model=model.name, current=current)
        return [base, *_WITHOUT_MODEL.values()]

    async def get(self, name: str) -> Policy:
        """A policy by name; "" gives the current one. Raises UnknownPolicy naming what there is."""
        if name in _WITHOUT_MODEL:
            return _WITHOUT_MODEL[name]
        made = await self._made()
        if found := next((policy for policy in made if policy.name == name or (policy.current and not name)), None):
            return found
        base, *others = await self.builtin()
        if name in ("", BASE):
            return base
        known = ", ".join(policy.name for policy in (*made, base, *others))
        raise UnknownPolicy(f"there is no policy {name!r}; known: {known}", policy=name)

    async def all(self) -> list[Policy]:
        """Newest first, the built-in ones last."""
        return [*await self._made(), *await self.builtin()]

    async def ready(self, policy: Policy) -> Agent:
        """The agent of a policy, its adapter loaded. Raises WrongBase, or what serving says of the adapter."""
        if policy.kind != "model":
            return Agent(kind=policy.kind)
        model = await self.model()
        if policy.base_model != model.name:
            raise WrongBase(
                f"{policy.name} belongs to the base {policy.base_model}, but {model.name} is served; "
                f"serve {policy.base_model}, or choose another policy",
                policy=policy.name,
            )
        if policy.adapter_digest:
            await self._serving.LoadAdapter(
                serving_pb.LoadAdapterRequest(digest=policy.adapter_digest, blob=policy.adapter_blob), timeout=300
            )
        return Agent(kind="model", model=model.name, adapter=policy.adapter_digest)

    async def add(self, policy: Policy) -> None:
        """Register a candidate; a second time is no error."""
        await self._registry.create(policy, "", active=False)

    async def settle(self, name: str, *, promoted: bool) -> None:
        """Mark a candidate promoted or rejected. Idempotent."""
        policy = await self._registry.get(Policy, name)
        policy.state = Policy.STATE_PROMOTED if promoted else Policy.STATE_REJECTED
        await self._registry.put(policy, active=False)

    async def _made(self) -> list[Policy]:
        """Newest first; the newest promoted one is current."""
        made, token = await self._registry.page(Policy, MAX_PAGE_SIZE, "")
        while token:
            more, token = await self._registry.page(Policy, MAX_PAGE_SIZE, token)
            made += more
        if newest := next((policy for policy in made if policy.state == Policy.STATE_PROMOTED), None):
            newest.current = True
        return made
