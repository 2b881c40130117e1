"""The tiny policy's tokenizer, built from the texts that it will read.

Four ideas make looking up and copying learnable for a very small model: an element id is one token; the
marks between id, role and name are one token; a word is the same tokens wherever it stands (spaces are
tokens of their own); and a number is cut in twos from its left end, the same way wherever it stands.
Words met in several worlds are whole tokens. Invented names, which no other world shares, are spelt in
pieces, so that the names of an unseen world look no different from those of a seen one.
Invariant: encoding then decoding gives the text again, and cutting a prompt into its parts changes no token.
"""

from __future__ import annotations

import json
import re
from collections import defaultdict
from collections.abc import Iterable

from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

PAD, END = "<|pad|>", "<|end|>"
NUM_IDS = 1000
LINE_ROLES = ("text", "heading", "row", "image", "alert", "status", "img", "list", "table", "figure")
ELEMENT_ROLES = ("link", "button", "textbox", "searchbox", "checkbox", "radio", "combobox", "option", "tab")

ON_ELEMENT = ("click", "type", "hover")
IN_BRACKETS = ("stop", "press", "scroll", "goto", "tab_focus")
ALONE = ("new_tab", "close_tab", "go_back", "go_forward")
QUESTION_MARKS = ("\nURL: ", "\nOBJECTIVE: ", "\nPREVIOUS: ", "\nNEXT:\n")

_PATTERN = "|".join(
    (
        # The bracket of typed text, so that typed numbers are not taken for ids.
        r"(?<=type \[\d\]|type \[\d\d\]|type \[\d\d\d\]) \[",
        r"\nACTION: (?:click|type|hover) (?=\[)",
        r"\nACTION: (?:stop|press|scroll|goto|tab_focus) \[",
        r"\nACTION: (?:new_tab|close_tab|go_back|go_forward)",
        r"^PAGE:\n",
        r"\n(?:URL: |OBJECTIVE: |PREVIOUS: |NEXT:\n)",
        r"\[\d{1,3}\]",
        r"(?<=\]) [a-z]+ '",
        r"^[a-z]+ '",
        r"': '",
        r"'\n(?!URL: |OBJECTIVE: |PREVIOUS: |NEXT:\n)",
        r"https?://",
        r" \| |: |, |\. ",
        r"[A-Za-z]+",
        r"[0-9]{1,2}",
        r"\s",
        r"[^A-Za-z0-9\s]",
    )
)
_WORD = re.compile(r"[A-Za-z]+")
_CHAT_TEMPLATE = "{% for message in messages %}{{ message['content'] }}{% endfor %}"


def marks() -> list[str]:
    """Texts that are one token by decision."""
    elements = [f" {role} '" for role in ELEMENT_ROLES]
    lines = [f"{role} '" for role in LINE_ROLES]
    acts = [f"\nACTION: {verb} " for verb in ON_ELEMENT] + [f"\nACTION: {verb} [" for verb in IN_BRACKETS]
    acts += [f"\nACTION: {verb}" for verb in ALONE]
    between = ["': '", "'\n", "http://", "https://", " | ", ": ", ", ", ". ", " ["]
    return ["PAGE:\n", *QUESTION_MARKS, *elements, *lines, *acts, *between]


def build(
    texts: Iterable[tuple[str, str]], *, num_words: int = 1200, num_pieces: int = 500, min_worlds: int = 3
) -> PreTrainedTokenizerFast:
    """A tokenizer for (world, text) pairs.

    Words found in at least `min_worlds` worlds become tokens (the `num_words` most widespread); the other
    words, each counted once, teach at most `num_pieces` pieces.
    """
    worlds: dict[str, set[str]] = defaultdict(set)
    for world, text in texts:
        for word in set(_WORD.findall(text)):
            worlds[word].add(world)
    ranked = sorted(worlds, key=lambda word: (-len(worlds[word]), word))
    common = [word for word in ranked if len(worlds[word]) >= min_worlds][:num_words]
    rare = sorted(set(worlds) - set(common))
    pieces, merges = _pieces(rare, num_pieces)
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    numbers = [str(n) for n in range(10)] + [f"{n:02d}" for n in range(100)]
    ids = [f"[{n}]" for n in range(NUM_IDS)]
    whole = [as_bytes(text) for text in [*marks(), *numbers, *common]]
    tokens = list(dict.fromkeys([PAD, END, *ids, *alphabet, *whole, *pieces]))
    model = models.BPE(vocab={token: n for n, token in enumerate(tokens)}, merges=merges, ignore_merges=True)
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(_PATTERN), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([PAD, END])
    return PreTrainedTokenizerFast(  # type: ignore[no-untyped-call]
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=END,
        model_max_length=1024,
        clean_up_tokenization_spaces=False,
        chat_template=_CHAT_TEMPLATE,
    )


def _pieces(words: list[str], count: int) -> tuple[list[str], list[tuple[str, str]]]:
    """Byte-pair pieces of `words`, with the merges that make them."""
    if not words or count <= 0:
        return [], []
    learner = Tokenizer(models.BPE())
    learner.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=len(alphabet) + count, initial_alphabet=alphabet, show_progress=False, max_token_length=5
    )
    learner.train_from_iterator(words, trainer)
    learnt = json.loads(learner.to_str())["model"]
    merges = [(first, second) for first, second in learnt["merges"]]
    return [first + second for first, second in merges], merges


def as_bytes(text: str) -> str:
    """How byte-level tokenization writes `text`."""
    split = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False).pre_tokenize_str(text)
    return "".join(part for part, _ in split)
