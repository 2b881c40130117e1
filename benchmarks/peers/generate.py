"""transformers' own `generate()`, one prompt after the other: `generate.py MODEL`, token ids in and out, line by line.

What one writes who has no engine. One thread, as the servers beside it.
"""

from __future__ import annotations

import json
import sys

import torch
from transformers import AutoModelForCausalLM


def main() -> None:
    """Answer until the input ends."""
    torch.set_num_threads(1)
    model = AutoModelForCausalLM.from_pretrained(sys.argv[1], dtype=torch.float32).eval()
    print("ready", flush=True)
    for line in sys.stdin:
        asked = json.loads(line)
        prompt = torch.tensor([asked["tokens"]])
        with torch.inference_mode():
            found = model.generate(prompt, max_new_tokens=asked["max_new_tokens"], do_sample=False)
        print(json.dumps(found[0, prompt.shape[1] :].tolist()), flush=True)


if __name__ == "__main__":
    main()
