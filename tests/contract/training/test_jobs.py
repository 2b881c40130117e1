"""Jobs through the service: run in a child process, watched, killed, cancelled, found again."""

import importlib.util
import os
import random
import signal

import pytest

from ratchet.serving.v1 import serving_service_pb2 as serving
from ratchet.serving.v1 import serving_service_pb2_grpc as serving_grpc
from ratchet.training.v1 import training_service_pb2 as pb
from services.common.errors import FailedPrecondition, InvalidArgument, NotFound
from services.common.rpc import dial, serve
from services.host.rooms import serving as serving_room
from services.training.adapters import finetuning

State = pb.TrainingJob.State


def spec(dataset, **fields):
    return pb.TrainingSpec(
        **{
            "base_model": "little",
            "dataset": dataset,
            "lora": pb.LoraConfig(rank=4, alpha=8, dropout=0.1),
            "learning_rate": 0.02,
            "batch_size": 8,
            "max_epochs": 3,
            "patience": 3,
            "seed": 7,
            "max_tokens": 128,
            **fields,
        }
    )


async def create(rooms, wanted, request_id=""):
    request = pb.CreateTrainingJobRequest(request_id=request_id, spec=wanted)
    return (await rooms.training.CreateTrainingJob(request)).training_job


async def watch(rooms, name, until=lambda job: False):
    """What a watch told, up to its end or to what is waited for."""
    told = []
    async for event in rooms.training.WatchTrainingJob(pb.WatchTrainingJobRequest(name=name), timeout=120):
        told.append(event.training_job)
        if until(told[-1]):
            break
    return told


async def test_a_job_ends_with_an_adapter_that_serving_loads(open_rooms, sample, base, tmp_path):
    rooms = await open_rooms()
    wanted = spec(await rooms.dataset(sample(40)))
    job = await create(rooms, wanted, "once")
    told = await watch(rooms, job.name)
    done = told[-1]
    assert done.state == State.STATE_SUCCEEDED, done.error
    assert [job.num_steps for job in told] == sorted(job.num_steps for job in told)
    assert done.num_steps == done.total_steps == 12
    assert done.best_validation_perplexity < done.initial_validation_perplexity
    assert done.adapter_blob == f"blobs/{done.adapter_digest}"
    again = await create(rooms, wanted, "once")
    assert (again.name, again.state) == (job.name, State.STATE_SUCCEEDED)

    mounts = serving_room.open_room({"model": str(base)}, lambda _: rooms.channel, tmp_path)
    async with mounts as served, serve(served, f"unix:{tmp_path}/serving.sock") as address:
        channel = dial(address)
        stub = serving_grpc.ServingServiceStub(channel)
        await stub.LoadAdapter(serving.LoadAdapterRequest(digest=done.adapter_digest, blob=done.adapter_blob))
        held_out = [row for row in sample(40) if row["split"] == "validation"]
        num_right = 0
        for row in held_out:
            answer = await stub.Generate(
                serving.GenerateRequest(
                    adapter=done.adapter_digest,
                    parts=[serving.PromptPart(role="user", text=row["prompt"])],
                    max_new_tokens=24,
                )
            )
            num_right += answer.text.endswith("ACTION: click [1]")
        assert num_right > len(held_out) / 2
        await channel.close()


async def test_a_job_killed_at_random_moments_ends_as_an_undisturbed_one(open_rooms, sample, make_job):
    rooms = await open_rooms()
    dataset = await rooms.dataset(sample(40))
    undisturbed = make_job(max_epochs=16, patience=16, dataset=dataset)
    assert finetuning.run(undisturbed, lambda: False)
    job = await create(rooms, spec(dataset, max_epochs=16, patience=16))
    directory = rooms.home / "training" / job.name.removeprefix("trainingJobs/")
    killed_at, stopped_at = sorted(random.sample(range(1, 40), 2))
    await watch(rooms, job.name, lambda job: job.num_steps >= killed_at)
    os.kill(int((directory / "worker.pid").read_text()), signal.SIGKILL)
    await watch(rooms, job.name, lambda job: job.num_steps >= stopped_at)
    rooms = await open_rooms()
    done = (await watch(rooms, job.name))[-1]
    assert done.state == State.STATE_SUCCEEDED, done.error
    same = (directory / "adapter.tar").read_bytes() == (undisturbed / "adapter.tar").read_bytes()
    assert same, f"killed after step {killed_at}, stopped after step {stopped_at}"
    assert done.num_steps == done.total_steps == 64
    rooms = await open_rooms()
    kept = (await rooms.training.GetTrainingJob(pb.GetTrainingJobRequest(name=job.name))).training_job
    assert kept == done


@pytest.mark.parametrize(
    ("fields", "error", "words"),
    [
        ({"base_model": "/no/such/base"}, NotFound, r"'/no/such/base'.*little"),
        ({"dataset": "datasets/none"}, NotFound, "datasets/none"),
        ({"learning_rate": -1.0}, InvalidArgument, "learning_rate is -1"),
        ({"lora": pb.LoraConfig(dropout=1.5)}, InvalidArgument, r"dropout 1\.5"),
    ],
)
async def test_a_job_that_can_never_be_done_is_refused(open_rooms, sample, fields, error, words):
    rooms = await open_rooms()
    with pytest.raises(error, match=words):
        await create(rooms, spec(**{"dataset": await rooms.dataset(sample(10)), **fields}))
    assert not (await rooms.training.ListTrainingJobs(pb.ListTrainingJobsRequest())).training_jobs


async def test_a_request_that_only_asks_gets_the_numbers_and_starts_nothing(open_rooms):
    rooms = await open_rooms()
    request = pb.CreateTrainingJobRequest(spec=pb.TrainingSpec(base_model="little"), validate_only=True)
    asked = (await rooms.training.CreateTrainingJob(request)).training_job
    assert (asked.name, asked.spec.preset, asked.spec.lora.rank) == ("", "standard", 8)
    request.spec.method = pb.TrainingSpec.METHOD_QLORA
    if importlib.util.find_spec("bitsandbytes") is None:
        with pytest.raises(FailedPrecondition, match=r"bitsandbytes.*not installed"):
            await rooms.training.CreateTrainingJob(request)
    rooms = await open_rooms(processes=2)
    with pytest.raises(FailedPrecondition, match="one process"):
        await rooms.training.CreateTrainingJob(request)
    assert not (await rooms.training.ListTrainingJobs(pb.ListTrainingJobsRequest())).training_jobs


async def test_jobs_are_listed_in_pages_newest_first(open_rooms, sample):
    rooms = await open_rooms()
    dataset = await rooms.dataset(sample(4, validation_every=1))
    names = [(await create(rooms, spec(dataset))).name for _ in range(3)]
    for name in names:
        await rooms.training.CancelTrainingJob(pb.CancelTrainingJobRequest(name=name))
    listed, token = [], ""
    while True:
        request = pb.ListTrainingJobsRequest(page_size=2, page_token=token)
        page = await rooms.training.ListTrainingJobs(request)
        listed += [job.name for job in page.training_jobs]
        token = page.next_page_token
        if not token:
            break
    assert listed == names[::-1]


async def test_an_unknown_job_is_not_found(open_rooms):
    rooms = await open_rooms()
    with pytest.raises(NotFound, match="no trainingJobs/none"):
        await rooms.training.GetTrainingJob(pb.GetTrainingJobRequest(name="trainingJobs/none"))
