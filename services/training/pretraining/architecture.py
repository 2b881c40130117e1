"""The tiny policy's shape: an ordinary Qwen2, so that every server and trainer can run it."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM


class Shape(BaseModel):
    """How large the model is. The defaults are what the initialisation was fitted to."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    width: int = 192
    """Size of the residual stream."""
    num_layers: int = 4
    num_heads: int = 3
    """Heads of 64: fewer dimensions are too noisy to tell one token from all others on a page."""
    feedforward: int = 384
    rope_theta: float = 1_000_000.0
    """So large that half of a head's dimensions hardly turn within a page: matching happens in those."""
    context_tokens: int = 1024


def create(shape: Shape, tokenizer: PreTrainedTokenizerFast) -> Qwen2ForCausalLM:
    """An untrained model for that tokenizer."""
    config = Qwen2Config(
        vocab_size=len(tokenizer),
        hidden_size=shape.width,
        intermediate_size=shape.feedforward,
        num_hidden_layers=shape.num_layers,
        num_attention_heads=shape.num_heads,
        num_key_value_heads=shape.num_heads,
        max_position_embeddings=shape.context_tokens,
        rope_parameters={"rope_type": "default", "rope_theta": shape.rope_theta},
        tie_word_embeddings=True,
        attention_dropout=0.0,
        pad_token_id=tokenizer.pad_token_id,
        eos_token_id=tokenizer.eos_token_id,
        bos_token_id=None,
    )
    model: Qwen2ForCausalLM = Qwen2ForCausalLM(config)  # type: ignore[no-untyped-call]
    return model
