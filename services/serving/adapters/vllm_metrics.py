"""What vLLM's scheduler tells, put into the room's own metrics beside vLLM's (which Prometheus gets as `vllm:*`)."""

from __future__ import annotations

from typing import Any

from vllm.v1.metrics.loggers import StatLoggerBase

from services.serving import metrics


class RoomStats(StatLoggerBase):  # type: ignore[misc]
    """One for each engine; called after each of its steps."""

    def __init__(self, vllm_config: Any, engine_index: int = 0) -> None:
        del vllm_config, engine_index

    def record(
        self, scheduler_stats: Any, iteration_stats: Any, mm_cache_stats: Any = None, engine_idx: int = 0
    ) -> None:
        """Count a step."""
        if scheduler_stats is None:
            return
        metrics.WAITING.set(scheduler_stats.num_waiting_reqs + scheduler_stats.num_skipped_waiting_reqs)
        metrics.REUSED_TOKENS.inc(scheduler_stats.prefix_cache_stats.hits)
        if scheduler_stats.num_running_reqs:
            metrics.BATCH_ROWS.observe(scheduler_stats.num_running_reqs)

    def log_engine_initialized(self) -> None:
        """Nothing to tell."""
