"""What the training room exports."""

from __future__ import annotations

from prometheus_client import Counter, Gauge

from services.common.telemetry import unmeasured

JOBS = Gauge("ratchet_training_jobs", "Jobs by state", ["state"])
LOSS = unmeasured(
    Gauge("ratchet_training_loss_nats", "Training loss at the latest point of the latest job, per response token")
)
PERPLEXITY = unmeasured(Gauge("ratchet_training_validation_perplexity", "Latest validation perplexity"))
MEMORY = Gauge("ratchet_training_memory_bytes", "Most memory that the latest job's worker held, on its device")
MFU = Gauge("ratchet_training_mfu_ratio", "Share of the device's peak at the latest point; 0 where the peak is unknown")
TOKENS = Counter("ratchet_training_tokens_total", "Tokens read, without padding; its rate is the useful speed")
STEPS = Counter("ratchet_training_steps_total", "Optimiser steps done")
RESTARTS = Counter("ratchet_training_worker_restarts_total", "Workers that died and were started again")
