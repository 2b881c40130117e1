"""A regular expression in the language of guidance, the grammar library of vLLM."""

from __future__ import annotations

import re


def guided(regex: str) -> str:
    """The grammar of exactly what the regex matches.

    Where one text only can follow, guidance allows only the tokens that it would split that text into, and a tokenizer
    that looks around may have split it otherwise: "no_forcing" makes it allow every token that fits.
    """
    escaped = re.sub(r"\\.|/|\n", lambda found: {"/": r"\/", "\n": r"\n"}.get(found[0], found[0]), regex)
    return f'%llguidance {{"no_forcing": true}}\nstart: /{escaped}/\n'
