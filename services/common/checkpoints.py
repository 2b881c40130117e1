"""Base models as files: where a name leads, how the model wants to be prompted, and which weights it has.

Invariant: the room that generates and the room that trains get the same answer for the same name, so an adapter
can be refused by the base that it was not trained on. Nothing here reads a tensor.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from services.common.errors import InvalidArgument, NotFound

_SAMPLE_BYTES = 32 * 1024 * 1024
_TAIL_BYTES = 1024 * 1024
_SUFFIXES = {".safetensors", ".bin", ".json", ".txt", ".model", ".jinja"}


class ModelNotFound(NotFound):
    """No base model of that name or directory."""

    reason = "MODEL_NOT_FOUND"


@dataclass(frozen=True)
class Metadata:
    """What `ratchet.json` beside the weights says; the defaults are the paper's agent."""

    prompt_format: str = "webarena-cot"
    observation_format: str = "webarena-axtree"
    # Name of the training defaults that fit this model.
    preset: str = "paper"


@dataclass(frozen=True)
class Checkpoint:
    """A base model: the name it was asked for, and the directory or hub name that holds it."""

    name: str
    uri: str
    directory: Path | None
    metadata: Metadata


def locate(name: str, known: Mapping[str, Path]) -> Checkpoint:
    """Find a base by a known name, a directory with a config.json, or else take it for a hub name.

    Raises ModelNotFound naming what was looked for; whether a hub name exists is only known on loading it.
    """
    directory = known.get(name)
    if directory is None and (Path(name).is_absolute() or name.startswith((".", "~")) or Path(name).is_dir()):
        directory = Path(name).expanduser()
    if directory is None:
        # Without an owner the hub has only old names, which it forwards.
        if name.count("/") != 1 or name != name.strip():
            raise missing(name, known)
        return Checkpoint(name, name, None, Metadata())
    if not (directory / "config.json").is_file():
        raise missing(name, known, f"{directory} holds no config.json")
    return Checkpoint(name, str(directory.resolve()), directory.resolve(), _metadata(directory / "ratchet.json"))


def missing(name: str, known: Mapping[str, Path], why: str = "") -> ModelNotFound:
    """The error for a base that cannot be had, with the names that can."""
    names = ", ".join(sorted(known)) or "none"
    return ModelNotFound(
        f"no model {name!r}{': ' + why if why else ''}; looked for a known name ({names}), a directory with "
        "config.json, weights and tokenizer, and owner/name in the Hugging Face cache or hub. Give one of these",
        model=name,
    )


def tokenizer_class(directory: Path | None) -> str:
    """The class of transformers that reads a checkpoint's tokenizer as it was written.

    AutoTokenizer of transformers 5 takes the class of the model's type, which splits words in its own way, even
    where the tokenizer's files name the generic class; a tokenizer trained here must keep its own splitting.
    """
    path = directory / "tokenizer_config.json" if directory else None
    if path is None or not path.is_file():
        return "AutoTokenizer"
    generic = json.loads(path.read_text()).get("tokenizer_class") in ("TokenizersBackend", "PreTrainedTokenizerFast")
    return "PreTrainedTokenizerFast" if generic else "AutoTokenizer"


def _metadata(path: Path) -> Metadata:
    if not path.is_file():
        return Metadata()
    try:
        found = json.loads(path.read_text())
        return Metadata(**{key: str(found[key]) for key in Metadata.__dataclass_fields__ if key in found})
    except (ValueError, TypeError) as error:
        raise InvalidArgument(f"{path} is not the JSON object that describes a model: {error}") from error


def fingerprint(directory: Path) -> str:
    """Digest (hex) of weights, configuration and tokenizer; of very large files only their ends are read."""
    digest = hashlib.sha256()
    for path in sorted(directory.iterdir()):
        if path.suffix not in _SUFFIXES or path.name == "ratchet.json":
            continue
        size = path.stat().st_size
        digest.update(f"{path.name}:{size}\n".encode())
        with path.open("rb") as file:
            digest.update(file.read(_SAMPLE_BYTES))
            if size > _SAMPLE_BYTES + _TAIL_BYTES:
                file.seek(-_TAIL_BYTES, 2)
                digest.update(file.read())
    return digest.hexdigest()
