"""TRL's SFTTrainer on rows of tokens and an adapter of ours: `trl_sft.py DIRECTORY`, whose work.json says the rest.

Runs on an interpreter that has trl, without anything of Ratchet's. Gradient checkpointing, on by default in TRL, is
off: it costs a third more and saves memory that this model does not need. Packing and padding-free batches need an
attention kernel that no CPU has.
"""

from __future__ import annotations

import json
import sys
import time
from pathlib import Path

import torch
from datasets import load_dataset
from peft import PeftModel
from transformers import AutoModelForCausalLM, PreTrainedTokenizerFast, TrainerCallback
from trl import SFTConfig, SFTTrainer

MARKS = []
LOSSES = []


class Clock(TrainerCallback):
    """When each step began, by the wall and by the processor, and its loss."""

    def on_step_begin(self, args, state, control, **kwargs):
        MARKS.append((time.perf_counter(), time.process_time()))

    def on_log(self, args, state, control, logs=None, **kwargs):
        if "loss" in logs:
            LOSSES.append(float(logs["loss"]))


def main() -> None:
    """Train once over the rows, in their order or by length, and print the marks and losses."""
    home = Path(sys.argv[1])
    work = json.loads((home / "work.json").read_text())
    torch.set_num_threads(work["threads"])
    base = AutoModelForCausalLM.from_pretrained(work["base"], dtype=torch.float32)
    model = PeftModel.from_pretrained(base, str(home / "initial"), is_trainable=True)
    config = SFTConfig(
        output_dir=str(home / "trl"),
        per_device_train_batch_size=work["batch_size"],
        num_train_epochs=1,
        learning_rate=work["learning_rate"],
        weight_decay=work["weight_decay"],
        lr_scheduler_type="linear",
        warmup_steps=0,
        max_length=work["max_tokens"],
        bf16=work["precision"] == "bfloat16",
        gradient_checkpointing=False,
        train_sampling_strategy=work["order"],
        completion_only_loss=True,
        use_cpu=True,
        logging_steps=1,
        logging_nan_inf_filter=False,
        save_strategy="no",
        report_to="none",
        disable_tqdm=True,
    )
    trainer = SFTTrainer(
        model=model,
        args=config,
        train_dataset=load_dataset("parquet", data_files=str(home / "tokens.parquet"), split="train"),
        processing_class=PreTrainedTokenizerFast.from_pretrained(work["base"]),
        callbacks=[Clock()],
    )
    trainer.train()
    print(json.dumps({"marks": MARKS, "losses": LOSSES}))


main()
