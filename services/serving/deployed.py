"""The policy that is deployed: what a request gets that names none of its own, and the candidate that may share it.

Invariant: which of the two answers is a function of the request's key alone, so every replica says the same and an
episode stays with one of them; raising the candidate's share moves episodes to it and none away.
"""

from __future__ import annotations

import hashlib

from pydantic import BaseModel, ConfigDict, Field

from services.common.errors import FailedPrecondition

# What a request names as its adapter to be answered by the deployed policy.
DEPLOYED = "deployed"
_DIGEST = r"^([0-9a-f]{64})?$"


class NoCandidate(FailedPrecondition):
    """There is no canary to decide about."""

    reason = "NO_CANDIDATE"


class Deployed(BaseModel):
    """Policies by the digests of their adapters; "" is the base."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policy: str = Field(default="", pattern=_DIGEST)
    candidate: str = Field(default="", pattern=_DIGEST)
    # Of the episodes, how many the candidate has; 0 is no candidate.
    percent: int = Field(default=0, ge=0, le=100)
    # What a rollback goes back to.
    previous: str = Field(default="", pattern=_DIGEST)

    def roles(self) -> dict[str, str]:
        """Digests by role: "current" and, with a share, "candidate"."""
        return {"current": self.policy, **({"candidate": self.candidate} if self.percent else {})}

    def role(self, key: str) -> str:
        """Who answers requests of a key, e.g. of an episode."""
        # With the candidate in it, no episode is every canary's first.
        drawn = hashlib.sha256(f"{self.candidate}\0{key}".encode()).digest()
        return "candidate" if int.from_bytes(drawn[:8]) * 100 < self.percent << 64 else "current"

    def canary(self, digest: str, percent: int) -> Deployed:
        """A share for a candidate, or another share for the one that has one."""
        return self.model_copy(update={"candidate": digest, "percent": percent})

    def replaced(self, digest: str) -> Deployed:
        """A policy in place of what was there."""
        return self if (digest, 0) == (self.policy, self.percent) else Deployed(policy=digest, previous=self.policy)

    def promoted(self) -> Deployed:
        """The candidate in place of the policy. Raises NoCandidate."""
        if not self.percent:
            raise NoCandidate("no candidate has a share of the episodes; deploy one with --canary first")
        return Deployed(policy=self.candidate, previous=self.policy)

    def rolled_back(self) -> Deployed:
        """Without the candidate; where there is none, the policy before this one."""
        if self.percent:
            return Deployed(policy=self.policy, previous=self.previous)
        return Deployed(policy=self.previous, previous=self.policy)
