"""A run on several devices: each process holds a share of every weight (FSDP2) and reads a share of every batch.

Invariant: all processes take the same steps, so none waits for one that stopped; what is kept of a run is whole, so
that it can go on with another number of processes.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from typing import Any

import torch
from torch import distributed
from torch.distributed.tensor import DTensor, distribute_tensor

from services.training.adapters import examples
from services.training.adapters.examples import Example


class Group:
    """The processes of a run, as torchrun's environment tells; one process by itself needs none of it."""

    def __init__(self) -> None:
        self.rank, self.size = int(os.environ.get("RANK", "0")), int(os.environ.get("WORLD_SIZE", "1"))
        # Whether this process writes what those of its machine read.
        self.leads_machine = int(os.environ.get("LOCAL_RANK", "0")) == 0
        if self.size > 1 and not distributed.is_initialized():
            # Flags and counts go over gloo, whatever the weights are on.
            distributed.init_process_group("cpu:gloo,cuda:nccl" if torch.cuda.is_available() else "gloo")

    @property
    def is_first(self) -> bool:
        """Whether this process writes what the run tells and keeps."""
        return self.rank == 0

    def place(self, model: Any, base: Any, device: torch.device) -> None:
        """Bring the model to the device, to each of several its share: one layer at most is ever whole there."""
        if self.size == 1:
            if not getattr(base, "is_quantized", False):  # which is there
                model.to(device)
            return
        from torch.distributed.device_mesh import init_device_mesh
        from torch.distributed.fsdp import fully_shard

        mesh = init_device_mesh(device.type, (self.size,))
        names = set(getattr(base, "_no_split_modules", None) or ())
        for module in base.modules():
            if type(module).__name__ in names:
                fully_shard(module, mesh=mesh)
        fully_shard(model, mesh=mesh)

    def pieces(
        self, rows: Sequence[Example], num_rows: int, num_tokens: int
    ) -> Iterator[tuple[Sequence[Example], bool]]:
        """This process's forward passes of a batch, as many as any other's; False on one that only keeps step."""
        shares = [list(examples.pieces(rows[rank :: self.size], num_rows, num_tokens)) for rank in range(self.size)]
        mine = [piece for piece in shares[self.rank] if piece]
        for place in range(max(map(len, shares))):
            yield (mine[place], True) if place < len(mine) else (rows[:1], False)

    def total(self, value: float) -> float:
        """The sum over processes."""
        if self.size == 1:
            return value
        summed = torch.tensor(value, dtype=torch.float64)
        distributed.all_reduce(summed)
        return float(summed.item())

    def any(self, flag: bool) -> bool:
        """Whether one process says so; the same answer in all."""
        return self.total(float(flag)) > 0

    def agrees(self, value: int) -> bool:
        """Whether every process says the same."""
        if self.size == 1:
            return True
        firsts = torch.tensor(value)
        distributed.broadcast(firsts, 0)
        return not self.any(int(firsts) != value)

    def wait(self) -> None:
        """Until every process is here."""
        if self.size > 1:
            distributed.barrier()

    def close(self) -> None:
        """Leave the group."""
        if self.size > 1 and distributed.is_initialized():
            distributed.destroy_process_group()


def whole(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor with all its shares. Every process must ask."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def share(tensor: torch.Tensor, like: torch.Tensor) -> torch.Tensor:
    """This process's share of a whole tensor, if what it is for is shared out."""
    if not isinstance(like, DTensor):
        return tensor
    return distribute_tensor(tensor.to(like.device), like.device_mesh, like.placements, src_data_rank=None)
