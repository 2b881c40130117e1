"""Settings of the training room."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field
from pydantic_settings import SettingsConfigDict

from services.common.settings import RoomSettings


class JobSettings(BaseModel):
    """What the launchers "job" and "trainjob" have: how a training job becomes a Job or a TrainJob."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    # Where pods find a job's inputs and leave its checkpoints and results: s3://bucket/prefix, with AWS_* in the
    # environment of the room and of the pods, or file:///directory on a volume that all of them mount.
    files_url: str = ""
    # The pods' template in JSON: image, resources, nodes, secrets; its container "worker" gets the command.
    template: Path | None = None
    namespace: str = "default"
    # Begins the Jobs' names.
    name: str = Field(default="ratchet", pattern=r"^[a-z]([a-z0-9-]{0,38}[a-z0-9])?$")
    # Pods of one job, with `processes` each; several of a Job want the template's subdomain to be a headless Service.
    nodes: int = Field(default=1, ge=1)
    # A Kueue LocalQueue that starts the Jobs; empty starts them at once.
    queue: str = ""
    # Where a pod puts the job's files: room for the dataset and three checkpoints.
    directory: str = "/var/lib/ratchet/job"
    # An ended Job is removed after so many seconds.
    kept_s: int = Field(default=86400, ge=60)
    # The cluster and the files are asked so often, and so often do pods tell what they have.
    poll_s: float = Field(default=5.0, gt=0)


class TrainingSettings(RoomSettings):
    """`[training]` in the configuration file, RATCHET_TRAINING__* in the environment."""

    model_config = SettingsConfigDict(env_prefix="RATCHET_TRAINING__", frozen=True, extra="forbid")

    # More names for directories of base models, beside the packaged ones.
    models: dict[str, Path] = Field(default_factory=dict)
    # "auto" takes CUDA where there is one.
    device: str = "auto"
    # What products are computed in; "auto" is float32 on a CPU and bfloat16 on a GPU. Adapters are always float32.
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    # CPU threads of a worker; 0 is one for each core.
    threads: int = Field(default=0, ge=0)
    # Where workers run: "process" is a child of the room, "job" a Kubernetes Job, "trainjob" a TrainJob of Kubeflow
    # Trainer 2 (both need the extra `jobs`).
    launcher: Literal["process", "job", "trainjob"] = "process"
    job: JobSettings = JobSettings()
    # Processes of one job on one machine, a device each (FSDP2 under torchrun).
    processes: int = Field(default=1, ge=1)
    # Rows of a batch behind one another without padding ("packed"), or padded and sorted by length ("padded"). "auto"
    # packs every model that keeps packed rows apart.
    batching: Literal["auto", "packed", "padded"] = "auto"
    # Rows in one forward pass; a batch is added up from as many as it takes. 0 is no limit.
    micro_batch_size: int = Field(default=0, ge=0)
    # Tokens in one forward pass, unless a single row has more. 0 is no limit.
    micro_batch_tokens: int = Field(default=16384, ge=0)
    # Compute activations again in the backward pass instead of keeping them.
    gradient_checkpointing: bool = False
    # What the device can do at most, in TFLOP/s, for the MFU; 0 is what its maker says, where that is known.
    peak_tflops: float = Field(default=0.0, ge=0)
    # A checkpoint is kept after each epoch, and in long epochs after so many seconds.
    checkpoint_s: float = Field(default=60.0, gt=0)
    # Ask the Hugging Face hub for a model that is not on this machine.
    allow_download: bool = True
    # Jobs that run side by side; others wait.
    max_running: int = Field(default=1, ge=1)
    # How often a worker that was killed is started again from its checkpoint.
    max_restarts: int = Field(default=5, ge=0)

    @property
    def num_processes(self) -> int:
        """Of one job, over all its machines."""
        return self.processes * (1 if self.launcher == "process" else self.job.nodes)
