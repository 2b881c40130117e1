"""Useful (non-padding) tokens per second of a fine-tuning job against TRL's SFTTrainer: `make bench NAME=training`.

The same base, rows of tokens, batches, order of batches, first adapter, learning rates and steps, so that the losses
can be compared step by step; each run in a process of its own, rounds interleaved, the best of each counts. TRL is
also run with its batches grouped by length, which is another order. DATASET names a job's dataset.parquet; otherwise
rows are made up. The first step is left out of every time.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from benchmarks import results
from benchmarks.peers import process
from services.host.rooms.serving import packaged_models
from services.training.adapters import corpus, examples, finetuning, models
from services.training.adapters.work import Work
from services.training.pretraining import synthetic

ROUNDS = int(os.environ.get("ROUNDS", "3"))
ROWS = int(os.environ.get("ROWS", "640"))
PRECISION = os.environ.get("PRECISION", "bfloat16")
DATASET = os.environ.get("DATASET", "")
THREADS = int(os.environ.get("THREADS", "0")) or os.cpu_count() or 1
_TRL = Path(process.__file__).parent / "trl_sft.py"


def rows() -> list[dict[str, str]]:
    """Training rows with a prompt and a response."""
    if DATASET:
        table = pq.read_table(DATASET, columns=["prompt", "response", "split"]).to_pylist()
        return [{**row, "split": "train"} for row in table][:ROWS]
    steps = [step for world in range(4) for step in synthetic.demonstrations(world, ROWS // 8 + 1)]
    prompt = "PAGE:\n{0.page}\nURL: {0.url}\nOBJECTIVE: {0.objective}\nPREVIOUS: {0.previous}\nNEXT:\n"
    return [{"prompt": prompt.format(step), "response": step.response, "split": "train"} for step in steps[:ROWS]]


def prepare(home: Path) -> tuple[list[int], int]:
    """Write what both read: rows, tokens in our order, an adapter. The tokens of each step, and of the longest row."""
    job = home / "job"
    job.mkdir()
    pq.write_table(pa.Table.from_pylist(rows()), job / "dataset.parquet")
    base = packaged_models()["ratchet-tiny"]
    work = Work(
        base_name="ratchet-tiny",
        base_uri=str(base),
        dataset="datasets/bench",
        rank=32,
        alpha=64,
        dropout=0.0,
        learning_rate=1e-3,
        weight_decay=0.01,
        batch_size=16,
        max_epochs=1,
        patience=1,
        seed=42,
        max_tokens=1024,
        precision=PRECISION,
        threads=THREADS,
    )
    (job / "spec.json").write_text(json.dumps(asdict(work)))
    import torch

    loaded = models.load(work, torch.device("cpu"), None, halves=False)
    loaded.model.save_pretrained(str(home / "initial"), save_embedding_layers=False)
    train, _ = corpus.build(job / "dataset.parquet", loaded.tokenizer, work.max_tokens, home / "tokens")
    batches = examples.order(train.lengths, work.batch_size, work.seed, 0, by_length=False)
    ordered = [train[row] for batch in batches for row in batch.tolist()]
    masks = [[0] * (len(row.token_ids) - row.num_response) + [1] * row.num_response for row in ordered]
    tokens = {"input_ids": [row.token_ids for row in ordered], "completion_mask": masks}
    pq.write_table(pa.table(tokens), home / "tokens.parquet")
    return [int(train.lengths[batch.numpy()].sum()) for batch in batches], max(map(len, tokens["input_ids"]))


def ours(home: Path) -> None:
    """One job in this process, its marks printed; the room runs the same function in its worker."""
    marks: list[tuple[float, float]] = []

    def stopping() -> bool:  # asked before each forward pass: here, a step
        marks.append((time.perf_counter(), time.process_time()))
        return False

    finetuning.run(home, stopping)
    points = [json.loads(line) for line in (home / "progress.jsonl").read_text().splitlines()[1:]]
    print(json.dumps({"marks": marks, "losses": [point["train_loss"] for point in points]}))


def once(home: Path, name: str) -> dict[str, Any]:
    """One run in a process of its own: losses, and tokens per second of wall and of processor time."""
    if name == "ratchet":
        with tempfile.TemporaryDirectory() as scratch:
            job = Path(scratch)
            for path in (home / "job").iterdir():
                (job / path.name).write_bytes(path.read_bytes())
            (job / "initial").symlink_to(home / "initial")
            command = [sys.executable, "-m", "benchmarks.training", str(job)]
            return _run(command)
    work = {
        **json.loads((home / "job" / "spec.json").read_text()),
        "base": str(packaged_models()["ratchet-tiny"]),
        "order": "sequential" if name == "trl" else "group_by_length",
    }
    (home / "work.json").write_text(json.dumps(work))
    return _run([str(process.python("trl")), str(_TRL), str(home)])


def _run(command: list[str]) -> dict[str, Any]:
    environment = {**os.environ, "OMP_WAIT_POLICY": "passive", "TOKENIZERS_PARALLELISM": "false", "HF_HUB_OFFLINE": "1"}
    done = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    answer: dict[str, Any] = json.loads(done.stdout.strip().splitlines()[-1])
    return answer


def speeds(answer: dict[str, Any], tokens: list[int], *, even: bool) -> dict[str, float]:
    """Tokens per second between the beginnings of the second and the last step."""
    marks = np.array(answer["marks"])
    wall_s, processor_s = marks[-1] - marks[1]
    # Where batches are others, a step has as many tokens as the mean step.
    count = sum(tokens) / len(tokens) * (len(tokens) - 2) if even else sum(tokens[1:-1])
    return {"tokens_per_s": count / wall_s, "tokens_per_processor_s": count / processor_s}


def main() -> None:
    """Interleaved rounds, printed and written to build/bench/training.json."""
    found: dict[str, list[dict[str, float]]] = {"ratchet": [], "trl": [], "trl_by_length": []}
    losses: dict[str, list[float]] = {}
    with tempfile.TemporaryDirectory() as scratch:
        tokens, longest = prepare(Path(scratch))
        for turn in range(ROUNDS):
            for name in found:
                answer = once(Path(scratch), name)
                losses[name] = answer["losses"]
                found[name].append(speeds(answer, tokens, even=name == "trl_by_length"))
                print(turn, name, {key: round(value) for key, value in found[name][-1].items()}, file=sys.stderr)
    best = {name: {key: max(turn[key] for turn in turns) for key in turns[0]} for name, turns in found.items()}
    apart = np.abs(np.array(losses["ratchet"]) - np.array(losses["trl"]))
    result = {
        "dataset": DATASET or "made up",
        "steps": len(tokens),
        "tokens": sum(tokens),
        "longest_row": longest,
        "precision": PRECISION,
        "threads": THREADS,
        "rounds": found,
        "useful_tokens_over_trl": best["ratchet"]["tokens_per_s"] / best["trl"]["tokens_per_s"],
        "useful_tokens_over_trl_by_length": best["ratchet"]["tokens_per_s"] / best["trl_by_length"]["tokens_per_s"],
        "useful_tokens_over_trl_processor": best["ratchet"]["tokens_per_processor_s"]
        / best["trl"]["tokens_per_processor_s"],
        "useful_tokens_over_trl_by_length_processor": best["ratchet"]["tokens_per_processor_s"]
        / best["trl_by_length"]["tokens_per_processor_s"],
        "loss_first": [losses["ratchet"][0], losses["trl"][0]],
        "loss_last": [losses["ratchet"][-1], losses["trl"][-1]],
        "loss_apart_mean": float(apart.mean()),
        "loss_apart_max": float(apart.max()),
    }
    for key, value in result.items():
        if key != "rounds":
            print(f"{key:<44} {value}")
    results.write("training", result)


if __name__ == "__main__":
    if len(sys.argv) > 1:
        ours(Path(sys.argv[1]))
    else:
        main()
