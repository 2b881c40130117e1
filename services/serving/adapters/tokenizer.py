"""A Hugging Face tokenizer behind ports.Tokenizer, with its own thread for long texts."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import jinja2

from services.common.errors import InvalidArgument
from services.serving.ports import Message

# Longer texts than so many characters a token are first tried shortened: a page may be megabytes.
_CHARS_PER_TOKEN = 64
_SLACK_CHARS = 4096


class TemplateRefused(InvalidArgument):
    """The model's chat template cannot express these messages."""

    reason = "TEMPLATE_REFUSED"


class HuggingFaceTokenizer:
    """Text to tokens and back for one model."""

    def __init__(self, tokenizer: Any) -> None:
        self._tokenizer = tokenizer
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tokenizer")
        # A chat template writes the start mark itself.
        self._with_marks = not tokenizer.chat_template

    async def cut(self, text: str, max_tokens: int) -> str:
        """The longest start of the text that is at most so many tokens."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._cut, text, max_tokens)

    def _cut(self, text: str, max_tokens: int) -> str:
        shortened = text[: max_tokens * _CHARS_PER_TOKEN + _SLACK_CHARS]
        for tried in (shortened, text) if len(shortened) < len(text) else (text,):
            kept = self._start(tried, max_tokens)
            if len(kept) < len(tried):
                return kept
        return text

    def _start(self, text: str, max_tokens: int) -> str:
        if not self._tokenizer.is_fast:
            ids = self._tokenizer.encode(text, add_special_tokens=False, verbose=False)
            return text if len(ids) <= max_tokens else self.decode(ids[:max_tokens])
        found = self._tokenizer(text, add_special_tokens=False, return_offsets_mapping=True, verbose=False)
        offsets = found["offset_mapping"]
        return text if len(offsets) <= max_tokens else text[: offsets[max_tokens - 1][1]]

    def chat(self, messages: Sequence[Message]) -> str | None:
        """The prompt by the chat template; an assistant's message at the end is left open to go on with."""
        if not self._tokenizer.chat_template:
            return None
        is_open = messages[-1].role == "assistant"
        try:
            text: str = self._tokenizer.apply_chat_template(
                [{"role": message.role, "content": message.content} for message in messages],
                tokenize=False,
                add_generation_prompt=not is_open,
                continue_final_message=is_open,
            )
        except (jinja2.TemplateError, ValueError) as error:
            roles = ", ".join(message.role for message in messages)
            raise TemplateRefused(f"the model's chat template refuses the roles {roles}: {error}") from error
        return text

    async def encode(self, prompt: str) -> list[int]:
        """Token ids of a whole prompt."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._encode, prompt)

    def _encode(self, prompt: str) -> list[int]:
        ids: list[int] = self._tokenizer.encode(prompt, add_special_tokens=self._with_marks, verbose=False)
        return ids

    def decode(self, ids: Iterable[int]) -> str:
        """Text of a response; nothing is left out or tidied."""
        return str(self._tokenizer.decode(list(ids), skip_special_tokens=False, clean_up_tokenization_spaces=False))

    @property
    def own(self) -> Any:
        """The tokenizer itself."""
        return self._tokenizer

    @property
    def end(self) -> int | None:
        """The token that ends a text, where there is one."""
        end: int | None = self._tokenizer.eos_token_id
        return end

    def close(self) -> None:
        """End the thread."""
        self._thread.shutdown(wait=False)
