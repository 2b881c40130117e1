"""Training jobs as Kubernetes Jobs: the room, the official client, the pods' own command, and files in between."""

from __future__ import annotations

import asyncio
import json
import os
import signal
from importlib.util import find_spec

import pytest

from ratchet.training.v1 import training_service_pb2 as pb
from services.common.errors import InvalidArgument
from services.training.adapters import finetuning
from tests.contract.training.cluster import Cluster, Pods
from tests.contract.training.test_jobs import create, spec, watch

pytestmark = pytest.mark.skipif(find_spec("kubernetes") is None, reason="no Kubernetes client here: make setup")
State = pb.TrainingJob.State
TEMPLATE = {
    "metadata": {"labels": {"team": "agents"}},
    "spec": {
        "subdomain": "trainers",
        "nodeSelector": {"gpu": "yes"},
        "containers": [
            {
                "name": "worker",
                "image": "registry.example.com/ratchet-training:1",
                "args": ["serve"],
                "env": [{"name": "OMP_WAIT_POLICY", "value": "passive"}],
                "resources": {"limits": {"nvidia.com/gpu": "8"}},
            }
        ],
    },
}


@pytest.fixture
def cluster(tmp_path, monkeypatch):
    found = Cluster()
    (tmp_path / "kubeconfig").write_text(found.kubeconfig())
    (tmp_path / "worker.json").write_text(json.dumps(TEMPLATE))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "kubeconfig"))
    yield found
    found.close()


@pytest.fixture
def settings(tmp_path):
    def table(launcher="job", **more):
        own = {
            "files_url": f"file://{tmp_path}/files",
            "template": str(tmp_path / "worker.json"),
            "directory": str(tmp_path / "pod"),
            "poll_s": 0.2,
            **more,
        }
        return {"launcher": launcher, "job": own, "max_restarts": 2}

    return table


async def change(cluster, until):
    """Wait for something of the only Job's pods."""
    (pods,) = cluster.jobs.values()

    def wait():
        with pods.changed:
            assert pods.changed.wait_for(lambda: until(pods), 120)

    await asyncio.to_thread(wait)
    return pods


@pytest.mark.parametrize("launcher", ["job", "trainjob"])
async def test_a_job_that_is_disrupted_while_the_room_is_away_ends_as_an_undisturbed_one(
    open_rooms, sample, make_job, cluster, settings, launcher
):
    rooms = await open_rooms(**settings(launcher))
    dataset = await rooms.dataset(sample(40))
    undisturbed = make_job(max_epochs=12, patience=12, dataset=dataset)
    assert finetuning.run(undisturbed, lambda: False)
    job = await create(rooms, spec(dataset, max_epochs=12, patience=12))
    seen = (await watch(rooms, job.name, lambda job: job.state == State.STATE_RUNNING and cluster.jobs))[-1]
    pods = await change(cluster, lambda pods: pods.num_started == 1)
    (name,) = cluster.jobs
    assert name == "ratchet-" + seen.name.removeprefix("trainingJobs/")
    assert pods.asked["kind"] == {"job": "Job", "trainjob": "TrainJob"}[launcher]
    rooms = await open_rooms(**settings(launcher))
    await watch(rooms, job.name, lambda job: job.num_steps >= 1)
    assert list(cluster.jobs.values()) == [pods], "the next room takes up the Job that is there"
    pods.disrupt(0)
    await change(cluster, lambda pods: pods.num_started == 2)
    done = (await watch(rooms, job.name))[-1]
    assert done.state == State.STATE_SUCCEEDED, done.error
    assert (pods.num_failed, pods.statuses[-1]) == (0, 0)
    directory = rooms.home / "training" / job.name.removeprefix("trainingJobs/")
    assert (directory / "adapter.tar").read_bytes() == (undisturbed / "adapter.tar").read_bytes()
    assert done.num_steps == done.total_steps == 48
    lines = (undisturbed / "progress.jsonl").read_text().splitlines()[1:]
    assert [point.step for point in done.points] == [json.loads(line)["step"] for line in lines]


@pytest.mark.slow
@pytest.mark.skipif("RATCHET_SLOW" not in os.environ, reason="takes a minute of CPU: set RATCHET_SLOW=1")
async def test_two_pods_share_a_job_and_a_lost_one_is_made_up_for(open_rooms, sample, cluster, settings):
    rooms = await open_rooms(**settings(nodes=2))
    job = await create(rooms, spec(await rooms.dataset(sample(24)), max_epochs=16, patience=16))
    await watch(rooms, job.name, lambda job: job.num_steps >= 1)
    (pods,) = cluster.jobs.values()
    pods.disrupt(1, signal.SIGKILL)
    done = (await watch(rooms, job.name))[-1]
    assert done.state == State.STATE_SUCCEEDED, done.error
    assert pods.num_failed == 1
    assert done.best_validation_perplexity < done.initial_validation_perplexity


async def test_a_bad_input_fails_at_once_with_the_workers_words(open_rooms, sample, cluster, settings):
    rooms = await open_rooms(**settings())
    job = await create(rooms, spec(await rooms.dataset(sample(8)), max_tokens=2))
    done = (await watch(rooms, job.name))[-1]
    assert (done.state, "no training row of up to 2 tokens" in done.error) == (State.STATE_FAILED, True), done.error
    (pods,) = cluster.jobs.values()
    assert (pods.statuses, pods.num_started) == ([1], 1)


async def test_a_queued_job_waits_and_goes_when_it_is_cancelled(open_rooms, sample, cluster, settings):
    rooms = await open_rooms(**settings(queue="gpus", nodes=4))
    job = await create(rooms, spec(await rooms.dataset(sample(8))))
    await watch(rooms, job.name, lambda job: job.state == State.STATE_RUNNING)
    while not cluster.jobs:
        await rooms.training.GetTrainingJob(pb.GetTrainingJobRequest(name=job.name))
    (body,) = [pods.body for pods in cluster.jobs.values()]
    assert body["metadata"]["labels"] == {
        "team": "agents",
        "kueue.x-k8s.io/queue-name": "gpus",
        "ratchet.training/job": job.name.removeprefix("trainingJobs/"),
    }
    assert (body["spec"]["suspend"], body["spec"]["completions"], body["spec"]["parallelism"]) == (True, 4, 4)
    pod = body["spec"]["template"]["spec"]
    assert (pod["restartPolicy"], pod["nodeSelector"]) == ("Never", {"gpu": "yes"})
    assert "args" not in pod["containers"][0]
    assert pod["containers"][0]["command"][-1] == f"{body['metadata']['name']}-0.trainers:29500"
    cancelled = (await rooms.training.CancelTrainingJob(pb.CancelTrainingJobRequest(name=job.name))).training_job
    assert (cancelled.state, cluster.jobs) == (State.STATE_CANCELLED, {})


async def test_a_train_job_has_a_runtime_a_queue_and_a_leader_and_is_removed_long_after_its_end(
    open_rooms, sample, cluster, settings
):
    rooms = await open_rooms(**settings("trainjob", queue="gpus", nodes=4, kept_s=60))
    dataset = await rooms.dataset(sample(8))
    job = await create(rooms, spec(dataset))
    while not cluster.jobs:
        await rooms.training.GetTrainingJob(pb.GetTrainingJobRequest(name=job.name))
    ((name, pods),) = cluster.jobs.items()
    assert pods.asked["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "gpus"
    assert (pods.asked["spec"]["suspend"], pods.body["spec"]["completions"]) == (True, 4)
    pod = pods.body["spec"]["template"]["spec"]
    assert (pod["restartPolicy"], pod["nodeSelector"], "args" in pod["containers"][0]) == (
        "Never",
        {"gpu": "yes"},
        False,
    )
    assert pod["containers"][0]["command"][-1] == f"{name}-node-0-0.{name}:29500"
    await rooms.training.CancelTrainingJob(pb.CancelTrainingJobRequest(name=job.name))
    assert not cluster.jobs

    for own, job_id, ended in (
        ("ratchet-old", "old", "2020-01-01T00:00:00Z"),
        ("ratchet-new", "new", None),
        ("other-old", "old", "2020-01-01T00:00:00Z"),
        ("ratchet-b-old", "old", "2020-01-01T00:00:00Z"),
    ):
        metadata = {**pods.asked["metadata"], "name": own, "labels": {"ratchet.training/job": job_id}}
        old = cluster.jobs[own] = Pods(pods.body, {**pods.asked, "metadata": metadata})
        old.conditions.append({"type": "Complete", "status": "True" if ended else "False", "lastTransitionTime": ended})
    job = await create(rooms, spec(dataset, seed=2))
    while "ratchet-" + job.name.removeprefix("trainingJobs/") not in cluster.jobs:
        await rooms.training.GetTrainingJob(pb.GetTrainingJobRequest(name=job.name))
    others = {"ratchet-new", "other-old", "ratchet-b-old"}
    assert set(cluster.jobs) == others | {"ratchet-" + job.name.removeprefix("trainingJobs/")}
    assert len(cluster.runtimes) == 1, "what is the same is made once"


async def test_a_cluster_that_refuses_says_why(open_rooms, sample, cluster, settings):
    cluster.refused = "jobs.batch is forbidden"
    rooms = await open_rooms(**settings())
    job = await create(rooms, spec(await rooms.dataset(sample(8))))
    done = (await watch(rooms, job.name))[-1]
    assert done.state == State.STATE_FAILED
    assert "403" in done.error
    assert "jobs.batch is forbidden; check the room's Role (jobs.batch)" in done.error


async def test_a_template_that_has_no_worker_is_refused_at_the_start(open_rooms, tmp_path, cluster, settings):
    (tmp_path / "worker.json").write_text('{"spec": {"containers": [{"name": "main"}]}}')
    with pytest.raises(InvalidArgument, match="no container named worker"):
        await open_rooms(**settings())
