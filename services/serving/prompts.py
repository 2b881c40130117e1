"""From the parts of a request to the prompt that the model sees.

Invariant: the prompt is a text, and the tokens are the encoding of exactly that text; a trainer that encodes the
recorded prompt gets the same tokens.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ratchet.serving.v1 import serving_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.serving.ports import Message, Tokenizer

ROLES = ("system", "user", "assistant")


class PromptTooLong(InvalidArgument):
    """The prompt leaves no room for a response."""

    reason = "PROMPT_TOO_LONG"


@dataclass(frozen=True)
class Prompt:
    """A prompt as text and as tokens."""

    text: str
    token_ids: list[int]


async def render(parts: Iterable[pb.PromptPart], tokenizer: Tokenizer, context_tokens: int) -> Prompt:
    """Cut each part, join neighbours of one role, apply the chat template where there is one.

    Raises InvalidArgument (no part, unknown role, negative length) and PromptTooLong.
    """
    messages: list[Message] = []
    for index, part in enumerate(parts):
        if part.role not in ROLES:
            raise InvalidArgument(f"parts[{index}].role is {part.role!r}; use one of {', '.join(ROLES)}")
        if part.max_tokens < 0:
            raise InvalidArgument(f"parts[{index}].max_tokens is {part.max_tokens}; use 0 to keep the whole part")
        text = await tokenizer.cut(part.text, part.max_tokens) if part.max_tokens else part.text
        if messages and messages[-1].role == part.role:
            messages[-1] = Message(part.role, messages[-1].content + text)
        else:
            messages.append(Message(part.role, text))
    if not any(message.content for message in messages):
        raise InvalidArgument("the prompt is empty; give at least one part with text")
    prompt = tokenizer.chat(messages)
    if prompt is None:
        prompt = "".join(message.content for message in messages)
    token_ids = await tokenizer.encode(prompt)
    if len(token_ids) >= context_tokens:
        raise PromptTooLong(
            f"the prompt is {len(token_ids)} tokens long and the model reads {context_tokens} with its response; "
            "lower max_tokens of the longest part",
            num_prompt_tokens=len(token_ids),
            context_tokens=context_tokens,
        )
    return Prompt(prompt, token_ids)
