"""Train: an adapter on the base model, fresh unless the strategy goes on from one, registered as a candidate policy."""

from __future__ import annotations

from ratchet.orchestrator.v1.policy_service_pb2 import Policy
from ratchet.training.v1 import training_service_pb2 as pb
from services.common.errors import FailedPrecondition
from services.orchestrator import learning
from services.orchestrator.turn import Turn

_TIMEOUT_S = 24 * 3600.0


class TrainingFailed(FailedPrecondition):
    """The training job ended without an adapter."""

    reason = "TRAINING_FAILED"


async def run(turn: Turn) -> None:
    """Follows the job to its end; a job that runs already is joined, a finished one is taken."""
    if not turn.iteration.dataset:
        await turn.report(0, 0, "nothing to train on")
        return
    training = turn.services.stubs.training
    model = await turn.services.policies.model()
    # A resumed iteration must not be answered with the job that failed before.
    request_id = f"{turn.iteration.name}#{turn.iteration.num_resumes}"
    base = await turn.services.policies.get(turn.iteration.base_policy)
    wanted = learning.asked(turn.spec, model.name, base)
    wanted.dataset = turn.iteration.dataset
    job = (
        await training.CreateTrainingJob(pb.CreateTrainingJobRequest(request_id=request_id, spec=wanted))
    ).training_job
    turn.iteration.training_job = job.name
    # Before the first step: whoever cancels the iteration must know which job to stop.
    await turn.save()
    async for event in training.WatchTrainingJob(pb.WatchTrainingJobRequest(name=job.name), timeout=_TIMEOUT_S):
        job = event.training_job
        detail = f"loss {job.points[-1].train_loss:.3f}" if job.points else "starting"
        if job.best_validation_perplexity:
            detail += f", validation perplexity {job.best_validation_perplexity:.3f}"
        left = job.elapsed_s / job.num_steps * (job.total_steps - job.num_steps) if job.num_steps else 0.0
        await turn.report(job.num_steps, job.total_steps, detail, left)
    if job.state != pb.TrainingJob.STATE_SUCCEEDED:
        state = pb.TrainingJob.State.Name(job.state).removeprefix("STATE_").lower()
        raise TrainingFailed(f"the training job {job.name} is {state}: {job.error or 'no reason given'}", job=job.name)
    turn.iteration.time.training_s = job.elapsed_s
    turn.iteration.candidate_policy = f"policies/{turn.iteration.name.rpartition('/')[2]}"
    await turn.services.policies.add(
        Policy(
            name=turn.iteration.candidate_policy,
            state=Policy.STATE_CANDIDATE,
            kind="model",
            base_model=model.name,
            adapter_digest=job.adapter_digest,
            adapter_blob=job.adapter_blob,
            iteration=turn.iteration.name,
            parent=turn.iteration.base_policy,
            create_time=job.create_time,
        )
    )
