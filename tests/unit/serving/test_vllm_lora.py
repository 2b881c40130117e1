"""The adapters' products in vLLM's CPU process: each row with its own weights."""

import types
from importlib.util import find_spec

import pytest
import torch

pytestmark = [
    pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed here: make test-vllm"),
    # vLLM and what it imports warn of one another.
    pytest.mark.filterwarnings("ignore"),
]


@pytest.mark.parametrize("slots", [[-1, 2, 0, 2, -1, 1], [1, 1, 1, 1, 1, 1], [-1] * 6])
def test_rows_of_the_base_stay_and_every_other_row_gets_its_own_adapter(slots):
    from services.serving.adapters.vllm_lora import GroupedPunica

    torch.manual_seed(0)
    num_slots, rank, in_features, widths = 3, 4, 10, (6, 8)
    punica = GroupedPunica(16, 16, torch.device("cpu"))
    ids = [slot + 1 for slot in slots]
    mapping = types.SimpleNamespace(index_mapping=ids, prompt_mapping=ids, is_prefill=True)
    punica.update_metadata(mapping, [1, 2, 3], num_slots, 100)
    down = tuple(torch.randn(num_slots, 1, rank, in_features) for _ in widths)
    up = tuple(torch.randn(num_slots, 1, width, rank) for width in widths)
    x, y = torch.randn(len(slots), in_features), torch.randn(len(slots), sum(widths))
    wanted = y.clone()
    for row, slot in enumerate(slots):
        if slot >= 0:
            wanted[row] += torch.cat([b[slot, 0] @ a[slot, 0] @ x[row] for a, b in zip(down, up, strict=True)]) * 0.5
    punica.add_lora_linear(y, x, down, up, 0.5, widths)
    torch.testing.assert_close(y, wanted)
