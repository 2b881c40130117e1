"""A random little Qwen2, rows that it can learn, and the training room beside a real trajectory room."""

from __future__ import annotations

import json
from contextlib import AsyncExitStack
from dataclasses import asdict, dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from ratchet.training.v1 import training_service_pb2_grpc as pb_grpc
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as trajectory_grpc
from services.common.rpc import dial, serve
from services.host.rooms import training as training_room
from services.host.rooms import trajectory as trajectory_room
from services.training.adapters import finetuning
from services.training.adapters.work import Work

NAMES = ["kettle", "lamp", "desk", "chair", "mug", "vase", "clock", "rug"]


def rows(count: int, validation_every: int = 5) -> list[dict[str, str]]:
    """Pages of two links; the response clicks the one that the objective names."""
    made = []
    for index in range(count):
        one, other = NAMES[index % 8], NAMES[(index // 8 + index + 1) % 8]
        prompt = f"PAGE: [1] link '{one}' [2] link '{other}'" + " text 'sale'" * (index % 3) + f" OBJECTIVE: {one}"
        side = "validation" if validation_every and index % validation_every == 0 else "train"
        made.append({"prompt": prompt, "response": f"{one} [1]\nACTION: click [1]", "split": side})
    return made


def write_rows(path: Path, content: list[dict[str, str]]) -> Path:
    pq.write_table(pa.Table.from_pylist(content), path)
    return path


@pytest.fixture(scope="session")
def base(tmp_path_factory) -> Path:
    directory = tmp_path_factory.mktemp("base")
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=400, special_tokens=["<end>"], initial_alphabet=pre_tokenizers.ByteLevel.alphabet()
    )
    backend.train_from_iterator([row["prompt"] + row["response"] for row in rows(40)], trainer)
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>").save_pretrained(directory)
    torch.manual_seed(1)
    config = Qwen2Config(
        vocab_size=400,
        hidden_size=48,
        intermediate_size=96,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=256,
        initializer_range=0.2,
        tie_word_embeddings=True,
        eos_token_id=0,
        bos_token_id=None,
    )
    Qwen2ForCausalLM(config).save_pretrained(directory)
    return directory


@pytest.fixture(scope="session")
def make_job(base, tmp_path_factory):
    """Writes a job's directory as the room does: make_job(rows, **numbers)."""

    def make(content: list[dict[str, str]] | None = None, **numbers) -> Path:
        directory = tmp_path_factory.mktemp("job")
        write_rows(directory / "dataset.parquet", rows(40) if content is None else content)
        work = Work(
            **{
                "base_name": "little",
                "base_uri": str(base),
                "dataset": "datasets/d",
                "rank": 4,
                "alpha": 8,
                "dropout": 0.1,
                "learning_rate": 0.02,
                "weight_decay": 0.01,
                "batch_size": 8,
                "max_epochs": 3,
                "patience": 3,
                "seed": 7,
                "max_tokens": 128,
                "threads": 1,
                **numbers,
            }
        )
        (directory / "spec.json").write_text(json.dumps(asdict(work)))
        return directory

    return make


@pytest.fixture(scope="session")
def undisturbed(make_job) -> Path:
    """A job that was done in one go."""
    directory = make_job()
    assert finetuning.run(directory, lambda: False)
    return directory


@pytest.fixture
def sample():
    """Rows to build datasets from."""
    return rows


@dataclass
class Rooms:
    training: pb_grpc.TrainingServiceStub
    trajectory: trajectory_grpc.TrajectoryServiceStub
    channel: object
    home: Path

    async def dataset(self, content: list[dict[str, str]]) -> str:
        """Store rows as a dataset; its name."""
        data = write_rows(self.home / "rows.parquet", content).read_bytes()

        async def chunks():
            yield trajectory.PutBlobRequest(chunk=data)

        blob = (await self.trajectory.PutBlob(chunks())).name
        sides = [row["split"] for row in content]
        dataset = trajectory.Dataset(
            name=f"datasets/{blob.removeprefix('blobs/')[:16]}",
            blob=blob,
            num_train_rows=sides.count("train"),
            num_validation_rows=sides.count("validation"),
        )
        reply = await self.trajectory.CreateDataset(trajectory.CreateDatasetRequest(request_id=blob, dataset=dataset))
        return reply.dataset.name


@pytest.fixture
async def open_rooms(tmp_path, base):
    """Opens both rooms; `await open_rooms()` again is a restart of the training room on the same home."""
    async with AsyncExitStack() as stack:
        training = await stack.enter_async_context(AsyncExitStack())
        mounts = await stack.enter_async_context(trajectory_room.open_room({}, dial, tmp_path))
        address = await stack.enter_async_context(serve(mounts, f"unix:{tmp_path}/trajectory.sock"))
        store = dial(address)
        stack.push_async_callback(store.close)

        async def start(**table) -> Rooms:
            await training.aclose()
            settings = {"models": {"little": str(base)}, "threads": 1, **table}
            mounts = await training.enter_async_context(
                training_room.open_room(settings, lambda room: {"trajectory": store}[room], tmp_path)
            )
            address = await training.enter_async_context(serve(mounts, f"unix:{tmp_path}/training.sock"))
            channel = dial(address)
            training.push_async_callback(channel.close)
            return Rooms(
                pb_grpc.TrainingServiceStub(channel), trajectory_grpc.TrajectoryServiceStub(store), store, tmp_path
            )

        yield start
        await training.aclose()
