"""The loops over time, units and rows around the tiles, forward and back.

Arrays have a row for each position: position t of text b is row t · batch + b. Two rows more stand at the end: one
that is zero, before the first step and after the last, and one where tiles write what nobody reads: for texts that
are over, and for the rows that a tile has more than there are texts.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any, NamedTuple

import numpy as np
from numba import boolean, float32, int32, int64, njit, void

from seqtrain.model.cells import CELLS
from seqtrain.model.compiled.tiles import SUMS, backward_tile, forward_tile, tile
from seqtrain.model.compiled.vectors import LANES

EXTRA_ROWS = 2
ROWS = 8  # of a tile at most: more waste work on batches that are no multiple of it


class Loops(NamedTuple):
    """forward(…) and backward(…) of a cell, as `_forward` and `_backward` describe them."""

    forward: Callable[..., None]
    backward: Callable[..., None]


@cache
def loops(cell: str) -> Loops:
    """The loops of a cell, compiled now (some seconds), or read from disk where this has been done before."""
    return Loops(_forward(cell), _backward(cell))


def _compiled(*arguments: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """A decorator: machine code for these types, kept on disk for the next process wherever that can be written."""

    def compile(function: Callable[..., None]) -> Callable[..., None]:
        try:
            return njit(void(*arguments), nogil=True, cache=True)(function)  # type: ignore[no-any-return]
        except RuntimeError as error:
            if "no locator" not in str(error):
                raise
            return njit(void(*arguments), nogil=True)(function)  # type: ignore[no-any-return]

    return compile


_MATRIX = float32[:, ::1]
_TEXTS = (int64, int64, boolean, int32[:, ::1], int32[::1])  # first, last, reverse, indices, lengths


def _forward(cell: str) -> Any:
    rows = min(ROWS, SUMS // CELLS[cell].gates)  # a sum per row and gate
    name = tile(cell, rows)

    @_compiled(*_TEXTS, _MATRIX, float32[:, :, :, ::1], float32[::1], _MATRIX, _MATRIX, _MATRIX)
    def forward(first, last, reverse, indices, lengths, table, panels, bias, outputs, inner, kept):  # type: ignore[no-untyped-def]
        """Runs the texts from `first` to `last` through the cell, from a zero state.

        reverse: from each text's last token to its first. indices <int32>[time, batch]: rows of `table`
        [rows, gates · units]; lengths <int32>[batch]. panels: `tiles.forward_panels`. Writes outputs
        [time · batch + 2, units], zero at padding, inner, the further states, and kept, what else `backward` needs.
        """
        time, batch = indices.shape
        units = outputs.shape[1]
        zero, waste = time * batch, time * batch + 1
        outputs[zero:], inner[zero:], kept[zero:] = 0.0, 0.0, 0.0
        tokens = _entries(batch, rows, 0)
        now, before = _entries(batch, rows, waste), _entries(batch, rows, zero)
        for step in range(_longest(lengths, first, last)):
            end = first
            for text in range(first, last):
                if step < lengths[text]:
                    position = lengths[text] - 1 - step if reverse else step
                    tokens[text] = indices[position, text]
                    now[text] = position * batch + text
                    end = text + 1
                else:
                    tokens[text], now[text], before[text] = 0, waste, zero
            for unit in range(0, units, LANES):
                panel = panels[unit // LANES].ctypes.data
                for row in range(first, end, rows):
                    forward_tile(
                        name, unit, units, _at(tokens, row), _at(now, row), _at(before, row),
                        table.ctypes.data, panel, bias.ctypes.data,
                        outputs.ctypes.data, inner.ctypes.data, kept.ctypes.data,
                    )  # fmt: skip
            before[first:last] = now[first:last]
        _zero_padding(outputs, lengths, first, last, time, batch)

    return forward


def _backward(cell: str) -> Any:
    rows, states = min(ROWS, SUMS), CELLS[cell].states  # a sum per row
    name = tile(cell, rows)

    @_compiled(
        *_TEXTS, float32[:, :, ::1], _MATRIX, _MATRIX, _MATRIX, _MATRIX, _MATRIX, _MATRIX, float32[::1]
    )
    def backward(  # type: ignore[no-untyped-def]
        first,
        last,
        reverse,
        indices,
        lengths,
        panels,
        outputs,
        inner,
        kept,
        grad_outputs,
        grads,
        grad_table,
        grad_bias,
    ):
        """The gradient of `forward` for the texts from `first` to `last`.

        panels: `tiles.backward_panels`. grad_outputs [time · batch, units] is not read at padding. Writes grads
        [time · batch + 2, gates · units], the gradient of the recurrent product, zero at padding; adds to grad_table
        [rows, gates · units], the gradient of the table, and to grad_bias [gates · units]. kept and grads may be one.
        """
        time, batch = indices.shape
        units = outputs.shape[1]
        zero, waste = time * batch, time * batch + 1
        grads[zero] = 0.0
        carried = np.zeros((batch + 1, states * units), np.float32)
        tokens, carries = _entries(batch, rows, 0), _entries(batch, rows, batch)
        now, before, after = (
            _entries(batch, rows, waste),
            _entries(batch, rows, zero),
            _entries(batch, rows, zero),
        )
        # No gradient comes in for texts that are over: what they add to sums is zero.
        incoming = _entries(batch, rows, grads[zero].ctypes.data)
        end = first
        for step in range(_longest(lengths, first, last) - 1, -1, -1):
            for text in range(first, last):
                if step < lengths[text]:
                    position = lengths[text] - 1 - step if reverse else step
                    tokens[text] = indices[position, text]
                    after[text] = now[text] if step + 1 < lengths[text] else zero
                    now[text] = position * batch + text
                    before[text] = zero if step == 0 else now[text] + (batch if reverse else -batch)
                    incoming[text] = grad_outputs[now[text]].ctypes.data
                    carries[text] = text
                    end = max(end, text + 1)
            for unit in range(0, units, LANES):
                panel = panels[unit // LANES].ctypes.data
                for row in range(first, end, rows):
                    backward_tile(
                        name, unit, units, _at(tokens, row), _at(now, row), _at(before, row), _at(after, row),
                        _at(incoming, row), _at(carries, row), panel,
                        outputs.ctypes.data, inner.ctypes.data, kept.ctypes.data, grads.ctypes.data,
                        carried.ctypes.data, grad_table.ctypes.data, grad_bias.ctypes.data,
                    )  # fmt: skip
        _zero_padding(grads, lengths, first, last, time, batch)

    return backward


@njit
def _entries(batch, rows, value):  # type: ignore[no-untyped-def]
    """A number for each text, and for the rows that the last tile has too many."""
    return np.full(batch + rows, value, np.int64)


@njit
def _at(entries, text):  # type: ignore[no-untyped-def]
    return entries.ctypes.data + text * 8


@njit
def _longest(lengths, first, last):  # type: ignore[no-untyped-def]
    longest = 0
    for text in range(first, last):
        longest = max(longest, lengths[text])
    return longest


@njit
def _zero_padding(array, lengths, first, last, time, batch):  # type: ignore[no-untyped-def]
    for text in range(first, last):
        for position in range(lengths[text], time):
            array[position * batch + text] = 0.0
