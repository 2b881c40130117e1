"""How scoring works where a request does not say."""

from __future__ import annotations

from typing import Literal

from pydantic import Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class ScoringSettings(RoomSettings):
    """Defaults are what the reports of this project use."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_SCORING__")

    # How answers, pages and URLs are compared; "webarena" to stand beside published numbers (see matching.py).
    matching: Literal["strict", "webarena"] = "strict"
    # Time for one look at a page, loading it included.
    probe_timeout_s: float = Field(default=30.0, gt=0)
    # Bootstrap resamples when a request asks for 0.
    num_resamples: int = Field(default=10_000, ge=1_000)
    # What embeds the steps of trajectories for VERTEX_DTW: "packaged" (all-MiniLM-L6-v2 from the extra `scoring`, no
    # network), a folder, or a name on the Hub. The paper's is "sentence-transformers/all-mpnet-base-v2".
    vertex_model: str = Field(default="packaged", min_length=1)
    # What stands first in a step's text (see likeness.py): models read 256 (packaged) to 384 tokens of it.
    vertex_text: Literal["paper", "response_first"] = "paper"
    # What embeds intent templates for capabilities. The paper's is "sentence-transformers/all-distilroberta-v1".
    capability_model: str = Field(default="packaged", min_length=1)
    # Cosine from which two templates of the same sites are one capability.
    capability_threshold: float = Field(default=0.6, gt=0, le=1)
    # Vectors that stay on disk, 1.5 to 3 KB each; the oldest go first.
    max_cached_embeddings: int = Field(default=100_000, ge=1)
    # Trajectories that one request may read.
    max_trajectories: int = Field(default=50_000, ge=1)
