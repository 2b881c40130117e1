"""A random little Qwen2 with its own tokenizer, and the serving room over it beside a real trajectory room."""

from __future__ import annotations

import hashlib
import io
import os
import subprocess
import sys
import tarfile
import threading
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from types import SimpleNamespace

import grpc
import pytest
import torch
from grpc_health.v1 import health_pb2, health_pb2_grpc
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

from ratchet.serving.v1 import serving_service_pb2 as pb
from ratchet.serving.v1 import serving_service_pb2_grpc as pb_grpc
from ratchet.trajectory.v1 import trajectory_service_pb2 as trajectory
from ratchet.trajectory.v1 import trajectory_service_pb2_grpc as trajectory_grpc
from services.common.addresses import Addresses, socket_directory
from services.common.rpc import dial, serve
from services.host.rooms import serving as serving_room
from services.host.rooms import trajectory as trajectory_room

TEXT = [
    "PAGE: [4] textbox 'Search products' [12] link 'Velmora Kettle' text 'Price: $12.99'",
    "OBJECTIVE: find the price of the kettle and stop with the answer",
    "ACTION: click [12] type [4] [kettle] stop [$12.99] scroll down go back",
]


def save_base(directory: Path, seed: int, hidden_size: int = 64) -> Path:
    """About 100,000 random parameters, peaked enough that greedy and sampled text differ."""
    backend = Tokenizer(models.BPE())
    backend.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    backend.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    backend.train_from_iterator(
        TEXT * 4, trainers.BpeTrainer(vocab_size=400, special_tokens=["<end>"], initial_alphabet=alphabet)
    )
    PreTrainedTokenizerFast(tokenizer_object=backend, eos_token="<end>").save_pretrained(directory)
    torch.manual_seed(seed)
    config = Qwen2Config(
        vocab_size=400,
        hidden_size=hidden_size,
        intermediate_size=96,
        num_hidden_layers=3,
        # vLLM's attention on a CPU wants heads of at least 32.
        num_attention_heads=hidden_size // 32,
        num_key_value_heads=hidden_size // 64,
        max_position_embeddings=256,
        initializer_range=0.4,
        tie_word_embeddings=True,
        eos_token_id=0,
        bos_token_id=None,
    )
    Qwen2ForCausalLM(config).save_pretrained(directory)
    return directory


def save_adapter(base: Path, directory: Path, seed: int, rank: int = 4) -> Path:
    """A LoRA adapter strong enough to change what the base says."""
    from peft import LoraConfig, get_peft_model

    torch.manual_seed(seed)
    model = Qwen2ForCausalLM.from_pretrained(base)
    wrapped = get_peft_model(model, LoraConfig(r=rank, lora_alpha=2 * rank, target_modules="all-linear"))
    for name, parameter in wrapped.named_parameters():
        if "lora_B" in name:
            torch.nn.init.normal_(parameter, std=0.2)
    wrapped.save_pretrained(directory)
    return directory


def tarred(directory: Path) -> bytes:
    """An archive of a directory's files."""
    data = io.BytesIO()
    with tarfile.open(fileobj=data, mode="w") as tar:
        for path in sorted(directory.iterdir()):
            tar.add(path, path.name)
    return data.getvalue()


@pytest.fixture(scope="session")
def make():
    """The makers above, for tests that need another base or adapter."""
    return SimpleNamespace(base=save_base, adapter=save_adapter, archive=tarred)


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    return save_base(tmp_path_factory.mktemp("base"), seed=1)


@pytest.fixture(scope="session")
def adapters(base, tmp_path_factory):
    """Two adapters of the base: (directory, archive) each."""
    homes = [save_adapter(base, tmp_path_factory.mktemp("adapter"), seed) for seed in (5, 6)]
    return [(home, tarred(home)) for home in homes]


@dataclass
class Rooms:
    serving: pb_grpc.ServingServiceAsyncStub
    trajectory: trajectory_grpc.TrajectoryServiceAsyncStub

    async def put(self, archive: bytes) -> tuple[str, str]:
        """Store an archive; its digest and blob name."""
        digest = hashlib.sha256(archive).hexdigest()

        async def chunks():
            for start in range(0, max(1, len(archive)), 1 << 20):
                yield trajectory.PutBlobRequest(chunk=archive[start : start + (1 << 20)])

        return digest, (await self.trajectory.PutBlob(chunks())).name

    async def load(self, archive: bytes) -> str:
        digest, blob = await self.put(archive)
        await self.serving.LoadAdapter(pb.LoadAdapterRequest(digest=digest, blob=blob))
        return digest

    async def say(self, text: str, **fields) -> pb.GenerateResponse:
        fields = {"max_new_tokens": 12, **fields}
        part = pb.PromptPart(role="user", text=text)
        return await self.serving.Generate(pb.GenerateRequest(parts=[part], **fields))


@pytest.fixture
async def open_rooms(tmp_path):
    """Opens both rooms with the given settings of serving; called again, it restarts them on the same home."""
    async with AsyncExitStack() as stack:

        async def start(**table) -> Rooms:
            await stack.aclose()
            stubs = {}
            for name, room, settings in (("trajectory", trajectory_room, {}), ("serving", serving_room, table)):
                mounts = await stack.enter_async_context(
                    room.open_room(settings, lambda to: stubs[f"{to} channel"], tmp_path)
                )
                address = await stack.enter_async_context(serve(mounts, f"unix:{tmp_path}/{name}.sock"))
                channel = dial(address)
                stack.push_async_callback(channel.close)
                stubs[f"{name} channel"] = channel
            return Rooms(
                pb_grpc.ServingServiceStub(stubs["serving channel"]),
                trajectory_grpc.TrajectoryServiceStub(stubs["trajectory channel"]),
            )

        yield start


@pytest.fixture(params=["transformers", "vllm"])
def rooms(request):
    """Both rooms, by each engine; no adapter is loaded."""
    return request.getfixturevalue(f"{request.param}_rooms")


@pytest.fixture
async def transformers_rooms(open_rooms, base):
    return await open_rooms(model=str(base))


@asynccontextmanager
async def rooms_of(host):
    """Both rooms of a host; adapters that were loaded meanwhile are unloaded."""
    channels = [dial(host.address(room)) for room in ("serving", "trajectory")]
    serving = pb_grpc.ServingServiceStub(channels[0])
    yield Rooms(serving, trajectory_grpc.TrajectoryServiceStub(channels[1]))
    for digest in (await serving.ListAdapters(pb.ListAdaptersRequest())).digests:
        await serving.UnloadAdapter(pb.UnloadAdapterRequest(digest=digest))
    for channel in channels:
        await channel.close()


@pytest.fixture
async def vllm_rooms(vllm_host):
    async with rooms_of(vllm_host) as rooms:
        yield rooms


@pytest.fixture(scope="session")
def open_host():
    return rooms_of


@pytest.fixture(scope="session")
def vllm_host(hosting, base):
    """A host of both rooms with vLLM: one start for all tests."""
    with hosting(model=str(base)) as host:
        yield host


@dataclass
class Host:
    """A process that serves both rooms."""

    home: Path
    process: subprocess.Popen

    def address(self, room: str) -> str:
        return Addresses(sockets=socket_directory(self.home)).address(room)

    def log(self) -> str:
        return (self.home / "log").read_text()


@pytest.fixture(scope="session")
def hosting(tmp_path_factory):
    """Starts such a process with settings of serving and more environment; skips where vLLM is not installed."""
    if find_spec("vllm") is None:
        pytest.skip("vLLM is not installed here: make test-vllm")

    @contextmanager
    def start(environment=None, **settings):
        home = tmp_path_factory.mktemp("vllm")
        settings = {"engine": "vllm", "vllm__kv_cache_mb": 64, **settings}
        variables = {f"RATCHET_SERVING__{key.upper()}": str(value) for key, value in settings.items()}
        command = [sys.executable, "-m", "services.cli", "--home", str(home), "serve", "trajectory", "serving"]
        with (home / "log").open("w") as log:
            environment = {**os.environ, **variables, **(environment or {})}
            host = Host(home, subprocess.Popen(command, env=environment, stdout=log, stderr=log))
        try:
            with grpc.insecure_channel(host.address("serving")) as channel:
                # A host that ends before it serves ends the wait.
                threading.Thread(target=lambda: (host.process.wait(), channel.close()), daemon=True).start()
                stub = health_pb2_grpc.HealthStub(channel)
                stub.Check(health_pb2.HealthCheckRequest(), wait_for_ready=True, timeout=300)
            yield host
        except (grpc.RpcError, ValueError) as error:
            raise AssertionError(host.log()[-4000:]) from error
        finally:
            host.process.terminate()
            host.process.wait()

    return start
