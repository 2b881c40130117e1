"""Rows that join and leave a slab keep their own keys and values."""

import random

import torch

from services.serving.adapters.slab import Slab

HEADS, CHANNELS, LAYERS = 2, 4, 3


def keys_and_values(tokens, layer):
    """What row `tokens` would have: each token's number, told apart by layer and kind."""
    column = torch.tensor(tokens, dtype=torch.float32)[None, None, :, None].expand(1, HEADS, -1, CHANNELS)
    return column + layer * 1000, -column - layer * 1000


def seen(slab, row):
    """The tokens that the next step of a row attends to, read back from the buffers."""
    mask = slab.mask()[row, :-1]
    found = None
    for layer, pair in enumerate(slab.pairs(row)):
        keys = pair[0][0, 0, :, 0] - layer * 1000
        assert torch.equal(pair[1], -pair[0])
        assert mask.sum() == len(keys)
        assert found is None or torch.equal(found, keys)
        found = keys
    return found.long().tolist()


def test_rows_joining_leaving_and_growing_in_any_order_keep_their_tokens():
    dice, slab, rows, fresh = random.Random(3), Slab(), [], iter(range(1, 10**6))
    for _ in range(600):
        move = dice.random()
        if move < 0.12 and len(rows) < 9:
            tokens = [next(fresh) for _ in range(dice.choice((1, 7, 90, 400)))]
            slab.join([keys_and_values(tokens, layer) for layer in range(LAYERS)], len(tokens), 50)
            rows.append(tokens)
        elif move < 0.22 and rows:
            index = dice.randrange(len(rows))
            slab.leave(index)
            last = rows.pop()
            if index < len(rows):
                rows[index] = last
        elif rows:
            if slab.end + 1 >= slab.layers[0].keys.shape[2]:
                continue
            step = [next(fresh) for _ in rows]
            for layer in range(LAYERS):
                pairs = [keys_and_values([token], layer) for token in step]
                keys, _ = slab.update(*(torch.cat(side) for side in zip(*pairs, strict=True)), layer)
                assert keys.shape[2] == slab.get_seq_length() + 1 == slab.mask().shape[1]
            slab.advance()
            for tokens, token in zip(rows, step, strict=True):
                tokens.append(token)
        for index, tokens in enumerate(rows):
            assert seen(slab, index) == tokens
    assert len(rows) > 2
