"""When the loop ends an episode that the agent did not end (the paper's and WebArena's rules)."""

from __future__ import annotations

from dataclasses import dataclass, field

MAX_REPEATS = 3
MAX_UNPARSABLE = 3

ANSWERED = "answered"
MAX_STEPS = "max_steps"
UNPARSABLE = "unparsable"
REPEATED_ACTIONS = "repeated_actions"
REPEATED_TYPING = "repeated_typing"


@dataclass
class StoppingRules:
    """Fed each step's canonical action ("" when it could not be parsed); says when it is enough."""

    max_steps: int
    _actions: list[str] = field(default_factory=list)

    def observe(self, action: str) -> str:
        """The reason to stop after this action, or "" to go on."""
        self._actions.append(action)
        tail = self._actions[-MAX_REPEATS:]
        if len(self._actions) >= MAX_UNPARSABLE and not any(self._actions[-MAX_UNPARSABLE:]):
            return UNPARSABLE
        if action.startswith("type "):
            if self._actions.count(action) >= MAX_REPEATS:
                return REPEATED_TYPING
        elif action and len(tail) == MAX_REPEATS and len(set(tail)) == 1:
            return REPEATED_ACTIONS
        return MAX_STEPS if len(self._actions) >= self.max_steps else ""
