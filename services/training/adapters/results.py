"""What a run leaves: an adapter as PEFT's own files or a whole model as transformers', with a card, and the archive.

Invariant: the same weights give the same bytes.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from services.common import archives
from services.training.adapters.models import Loaded
from services.training.adapters.work import Work

_WAYS = {
    "lora": "LoRA",
    "qlora": "LoRA on a base in 4 bits (NF4, doubly quantised)",
    "dora": "DoRA",
}


def save(loaded: Loaded, work: Work, facts: dict[str, float], directory: Path) -> None:
    """Write adapter/ and adapter.tar, or model/ and model.tar, into a job's directory."""
    with (directory / "dataset.parquet").open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    origin = {"base_model": work.base_name, "base_revision": loaded.revision, "dataset": work.dataset}
    home = directory / ("model" if work.method == "full" else "adapter")
    if work.method == "full":
        loaded.model.config.use_cache = True
        loaded.model.save_pretrained(str(home))
        loaded.tokenizer.save_pretrained(str(home))
        described = Path(work.base_uri) / "ratchet.json"  # how it wants to be prompted
        origin |= json.loads(described.read_text()) if described.is_file() else {}
    else:
        loaded.model.save_pretrained(str(home), save_embedding_layers=False)
        path = home / "adapter_config.json"
        config = json.loads(path.read_text())
        config["base_model_name_or_path"] = work.base_name
        config["target_modules"] = sorted(config["target_modules"])
        path.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n")
    (home / "ratchet.json").write_text(json.dumps(origin, indent=2, sort_keys=True) + "\n")
    (home / "README.md").write_text(_card(work, loaded.revision, digest, facts))
    scratch = home.with_suffix(".tar.new")
    archives.pack(home, scratch)
    scratch.replace(home.with_suffix(".tar"))


def _card(work: Work, revision: str, digest: str, facts: dict[str, float]) -> str:
    if work.method == "full":
        what, tags, library = "A web agent", "full", "transformers"
        how = "every weight"
        loading = "It is a whole model, loaded with `transformers.AutoModelForCausalLM.from_pretrained(directory)`."
    else:
        what, tags, library = "A web agent's adapter", work.method, "peft"
        how = (
            f"{_WAYS[work.method]} of rank {work.rank}, alpha {work.alpha}, dropout {work.dropout:g} on every linear "
            "layer but the output layer"
        )
        loading = "It is loaded with `peft.PeftModel.from_pretrained(base, directory)`."
    table = "\n".join(f"| {name.replace('_', ' ')} | {value:.6g} |" for name, value in facts.items())
    return f"""---
base_model: {work.base_name}
library_name: {library}
pipeline_tag: text-generation
tags: [{tags}, web-agent, ratchet]
---

# {what} from {work.base_name}

Trained by Ratchet on `{work.dataset}`: the agent's own attempts at tasks in a browser, chosen without labels.
{loading}

| | |
|---|---|
| base | {work.base_name}, weights with the digest `{revision[:16] or "unknown"}` |
| data | {work.dataset}, sha256 `{digest}` |
| method | {how} |
| loss | on the response only |
| optimiser | AdamW, weight decay {work.weight_decay:g}, batches of {work.batch_size} rows |
| learning rate | {work.learning_rate:g}, falling linearly to 0 |
| epochs | up to {work.max_epochs}; stopped after {work.patience} without a better validation perplexity, best kept |
| row length | up to {work.max_tokens} tokens |
| seed | {work.seed} |
{table}
"""
