"""Where training starts: weights under which looking up and copying already half work.

From random weights a model this small learns to copy text but never to look up which id stands beside a
name. So the first two layers start as a machine for it, in ordinary Qwen2 weights, all of them trainable.

The residual stream is divided into a token part, which is the token's own embedding, and three shadows.
Layer 0 fills the shadows: what stood one and two tokens back (heads that attend by position alone) and
which mark opened the line (a head that finds the nearest id or other line opener).
Layer 1 matches: its *look-up* head finds where the two tokens before this one stand elsewhere and moves that
line's opener, an id, into the token part; its *copy* head finds where this token and the one before it
stand elsewhere and moves what follows there into the token part.
"""

from __future__ import annotations

import math
from typing import Any, NamedTuple

import torch
from transformers import PreTrainedTokenizerFast, Qwen2ForCausalLM

from services.training.pretraining import vocabulary

# Sizes of the parts: token, three shadows; the rest of the width holds the flag of line openers.
_SHADOW = 34
_NUM_SHADOWS = 3
_FLAG = -1


class Strengths(NamedTuple):
    """Scales found by experiment: how decided each head is at the start."""

    embedding: float = 0.7
    position: float = 14.0
    opener: float = 8.0
    flag: float = 2.0
    write: float = 0.4
    match: float = 2.2
    elsewhere: float = 6.0
    objective: float = 2.0
    answer: float = 3.0
    output_norm: float = 0.15
    other_heads: float = 0.3


class _Parts(NamedTuple):
    token: slice
    shadows: tuple[slice, ...]
    # Token part -> shadow, with orthonormal rows.
    view: torch.Tensor


@torch.no_grad()
def structured(
    model: Qwen2ForCausalLM, tokenizer: PreTrainedTokenizerFast, seed: int, strengths: Strengths | None = None
) -> None:
    """Overwrite `model`'s weights. Deterministic in `seed`."""
    chosen = strengths or Strengths()
    generator = torch.Generator().manual_seed(seed)
    width = model.config.hidden_size
    size = width - _NUM_SHADOWS * _SHADOW - 10
    if size < _SHADOW or model.config.num_attention_heads < _NUM_SHADOWS:
        raise ValueError(f"width {width} is too small for a token part beside {_NUM_SHADOWS} shadows")
    starts = [size + n * _SHADOW for n in range(_NUM_SHADOWS)]
    parts = _Parts(
        slice(0, size),
        tuple(slice(start, start + _SHADOW) for start in starts),
        _orthonormal(_SHADOW, size, generator),
    )
    _embed(model, tokenizer, parts, chosen, generator)
    _plain_layers(model, chosen, generator)
    _look_back(model, parts, chosen)
    _match(model, tokenizer, parts, chosen, generator)


def _orthonormal(rows: int, columns: int, generator: torch.Generator) -> torch.Tensor:
    tall = torch.randn(max(rows, columns), min(rows, columns), generator=generator)
    q: torch.Tensor = torch.linalg.qr(tall)[0]
    return q if rows >= columns else q.t().contiguous()


def _loud(rows: torch.Tensor, num_dimensions: int) -> torch.Tensor:
    """Rows of the length that unit noise has in so many dimensions."""
    scaled: torch.Tensor = rows / rows.norm(dim=1, keepdim=True) * math.sqrt(num_dimensions)
    return scaled


def _openers(tokenizer: PreTrainedTokenizerFast) -> list[int]:
    ids = [f"[{n}]" for n in range(vocabulary.NUM_IDS)]
    lines = [f"{role} '" for role in vocabulary.LINE_ROLES]
    return [_only(tokenizer, text) for text in [*ids, *lines, *vocabulary.QUESTION_MARKS]]


def _only(tokenizer: PreTrainedTokenizerFast, text: str) -> int:
    number = tokenizer.convert_tokens_to_ids(vocabulary.as_bytes(text))
    if not isinstance(number, int):
        raise ValueError(f"{text!r} is not one token")
    return number


def _embed(
    model: Qwen2ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    parts: _Parts,
    strengths: Strengths,
    generator: torch.Generator,
) -> None:
    table = model.model.embed_tokens.weight
    table.normal_(0, 0.02, generator=generator)
    drawn = torch.randn(len(table), parts.token.stop, generator=generator)
    # Every token equally loud, as a whole and as matching sees it: else loud tokens match everything.
    seen = drawn @ parts.view.t() @ parts.view
    table[:, parts.token] = strengths.embedding * (
        _loud(seen, _SHADOW) + _loud(drawn - seen, parts.token.stop - _SHADOW)
    )
    table[_openers(tokenizer), _FLAG] = strengths.flag
    model.model.norm.weight.fill_(strengths.output_norm)
    model.model.norm.weight[_FLAG] = 0.02


def _plain_layers(model: Qwen2ForCausalLM, strengths: Strengths, generator: torch.Generator) -> None:
    scale = 1 / math.sqrt(model.config.hidden_size)
    for layer in model.model.layers:
        attention = layer.self_attn
        mixing = (attention.q_proj, attention.k_proj, attention.v_proj, attention.o_proj)
        for linear in (*mixing, layer.mlp.gate_proj, layer.mlp.up_proj):
            linear.weight.normal_(0, scale, generator=generator)
        for linear in mixing[:3]:
            linear.bias.zero_()
        attention.o_proj.weight.mul_(strengths.other_heads)
        layer.mlp.down_proj.weight.zero_()


def _frequencies(model: Qwen2ForCausalLM, size: int) -> torch.Tensor:
    rope: dict[str, Any] = dict(model.config.rope_parameters or {})
    theta = float(rope["rope_theta"])
    return 1.0 / theta ** (torch.arange(0, size, 2).float() / size)


def _look_back(model: Qwen2ForCausalLM, parts: _Parts, strengths: Strengths) -> None:
    """Layer 0: one token back, two tokens back, the opener of the line."""
    attention = model.model.layers[0].self_attn
    size = model.config.hidden_size // model.config.num_attention_heads
    turn = _frequencies(model, size)
    for head, shadow in enumerate(parts.shadows):
        rows = slice(head * size, (head + 1) * size)
        attention.k_proj.weight[rows] *= 0.2
        attention.q_proj.weight[rows] *= 0.2
        attention.v_proj.weight[rows] = 0
        attention.v_proj.weight[rows][:_SHADOW, parts.token] = parts.view
        attention.o_proj.weight[:, rows] = 0
        attention.o_proj.weight[shadow, rows.start : rows.start + _SHADOW] = strengths.write * torch.eye(_SHADOW)
    for head, back in enumerate((1, 2)):
        rows = slice(head * size, (head + 1) * size)
        sharp = torch.exp(-torch.arange(size // 2).float() / 4.0)
        sharp = sharp / sharp.norm() * strengths.position
        turned = torch.cat([sharp * torch.cos(-back * turn), sharp * torch.sin(-back * turn)])
        attention.q_proj.bias[rows] = turned
        attention.k_proj.bias[rows] = torch.cat([sharp, torch.zeros(size // 2)])
    rows = slice(2 * size, 3 * size)
    # Turning by 1/10 to 1/60 of a radian a token: the nearest opener wins within lines of some 40 tokens.
    slow = ((turn < 0.12) & (turn > 0.015)).float()
    slow = torch.cat([slow / slow.norm(), torch.zeros(size // 2)]) * strengths.opener
    attention.q_proj.weight[rows] = 0
    attention.k_proj.weight[rows] = 0
    attention.q_proj.bias[rows] = slow
    attention.k_proj.weight[rows, _FLAG] = slow


def _match(
    model: Qwen2ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    parts: _Parts,
    strengths: Strengths,
    generator: torch.Generator,
) -> None:
    """Layer 1: the look-up head and the copy head."""
    attention = model.model.layers[1].self_attn
    size = model.config.hidden_size // model.config.num_attention_heads
    half = size // 2
    still = torch.cat([torch.arange(half - _SHADOW // 2, half), torch.arange(size - _SHADOW // 2, size)])
    first, second, opener = parts.shadows
    own = (parts.token, parts.view)
    one, two = (first, torch.eye(_SHADOW)), (second, torch.eye(_SHADOW))
    for head, (asked, found) in enumerate((((one, two), (own, one)), ((own, one), (one, two)))):
        rows = head * size + still
        base = slice(head * size, (head + 1) * size)
        for linear in (attention.q_proj, attention.k_proj, attention.v_proj):
            linear.weight[base] = 0
        for (part, view), (other, other_view) in zip(asked, found, strict=True):
            turn = strengths.match * _orthonormal(_SHADOW, _SHADOW, generator)
            columns = torch.arange(part.start, part.stop)
            attention.q_proj.weight[rows[:, None], columns] += turn @ view
            columns = torch.arange(other.start, other.stop)
            attention.k_proj.weight[rows[:, None], columns] += turn @ other_view
        attention.o_proj.weight[:, base] = 0
        source, view = (opener, torch.eye(_SHADOW)) if head == 0 else (parts.token, parts.view)
        attention.v_proj.weight[base.start : base.start + _SHADOW, source] = view
        answer = strengths.answer * parts.view.t()
        attention.o_proj.weight[parts.token, base.start : base.start + _SHADOW] = answer
    _only_on_the_page(model, tokenizer, parts, strengths, size)
    for layer, head in ((1, 2), (2, 0)):
        if layer < model.config.num_hidden_layers:
            _read_objective(model, tokenizer, parts, strengths, layer, slice(head * size, (head + 1) * size))


def _read_objective(
    model: Qwen2ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    parts: _Parts,
    strengths: Strengths,
    layer: int,
    rows: slice,
) -> None:
    """A head that looks at the objective alone, and puts what it finds there in the token part.

    Which of the objective's words it is after is left to training: among a dozen the choice is soon learnt.
    """
    attention = model.model.layers[layer].self_attn
    row = rows.start + (rows.stop - rows.start) // 2 - _SHADOW // 2 - 1
    mark = _only(tokenizer, vocabulary.QUESTION_MARKS[1])
    seen = parts.view @ model.model.embed_tokens.weight[mark, parts.token]
    attention.q_proj.bias[row] = strengths.elsewhere
    attention.k_proj.weight[row] = 0
    attention.k_proj.weight[row, parts.shadows[2]] = strengths.objective * seen / seen.norm()
    attention.v_proj.weight[rows] = 0
    attention.v_proj.weight[rows.start : rows.start + _SHADOW, parts.token] = parts.view
    attention.o_proj.weight[:, rows] = 0
    attention.o_proj.weight[parts.token, rows.start : rows.start + _SHADOW] = strengths.answer * parts.view.t()


def _only_on_the_page(
    model: Qwen2ForCausalLM,
    tokenizer: PreTrainedTokenizerFast,
    parts: _Parts,
    strengths: Strengths,
    size: int,
) -> None:
    """Keep the look-up head from finding its own question: keys in a line that a question mark opens lose."""
    attention = model.model.layers[1].self_attn
    table = model.model.embed_tokens.weight
    opener = parts.shadows[2]
    # The slowest pair that matching leaves free: its sign holds over the length of a question.
    row = size // 2 - _SHADOW // 2 - 1
    for text in vocabulary.QUESTION_MARKS:
        seen = parts.view @ table[_only(tokenizer, text), parts.token]
        attention.k_proj.weight[row, opener] -= strengths.elsewhere * seen / seen.norm()
    attention.q_proj.bias[row] = strengths.elsewhere
