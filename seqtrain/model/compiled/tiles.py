"""The code of one tile: a product of some rows with a panel of a kernel, and what the cell makes of it.

A tile is written for each cell from the arithmetic in `cells`. All arguments but its name are addresses (of float32
arrays, or of int64 arrays with an entry per text, at the entry of the tile's first row) and numbers, all int64. Arrays
have the axes [rows, slots, units], a row for each position of the batch; `unit` is the first unit of the tile.
"""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.core.errors import RequireLiteralValue
from numba.extending import intrinsic
from numpy.typing import NDArray

from seqtrain.model import cells
from seqtrain.model.cells import CELLS, Cell
from seqtrain.model.compiled import vectors
from seqtrain.model.compiled.vectors import FLOAT, I64, LANES, REGISTERS, Accumulator, Vector

SUMS = REGISTERS // 2
"""How many registers hold sums of products at a time; the others hold what is multiplied."""


def forward_panels(kernel: NDArray[np.float32], gates: int) -> NDArray[np.float32]:
    """The recurrent kernel [units, gates · units] as forward tiles read it: [units / LANES, units, gates, LANES]."""
    units = len(kernel)
    return _copied(kernel.reshape(units, gates, units // LANES, LANES).transpose(2, 0, 1, 3))


def backward_panels(kernel: NDArray[np.float32]) -> NDArray[np.float32]:
    """The same kernel, transposed, as backward tiles read it: [units / LANES, gates · units, LANES]."""
    units, columns = kernel.shape
    return _copied(kernel.reshape(units // LANES, LANES, columns).transpose(0, 2, 1))


def _copied(values: NDArray[np.float32]) -> NDArray[np.float32]:
    copy = aligned(*values.shape)
    copy[...] = values
    return copy


def aligned(*shape: int) -> NDArray[np.float32]:
    """An array, not filled, that starts where a line of the processor's cache does."""
    size, line = math.prod(shape), 64 // FLOAT
    memory = np.empty(size + line, np.float32)
    start = -(memory.ctypes.data // FLOAT) % line
    return memory[start : start + size].reshape(shape)


def tile(cell: str, rows: int) -> str:
    """What compiled code calls a tile of so many rows; code that was kept on disk belongs to this very source."""
    return f"{cell} {rows} {_SOURCE:08x}"


def _named(tile: str) -> tuple[Cell, range]:
    cell, rows, _ = tile.split()
    return CELLS[cell], range(int(rows))


_FILES = (cells.__file__, vectors.__file__, __file__)
_SOURCE = zlib.crc32(b"".join(Path(file).read_bytes() for file in _FILES))


@intrinsic
def forward_tile(  # type: ignore[no-untyped-def]
    context, tile, unit, units, tokens, now, before, table, panel, bias, outputs, inner, kept
):
    """A step of the units from `unit` on, for the rows whose entries stand at tokens, now and before.

    tokens: rows of `table` [rows, gates, units], the input's share. before, now: rows of `outputs` [rows, 1, units]
    and `inner` [rows, states - 1, units], the further states; read at before, written at now, like `kept`
    [rows, kept, units]. panel: of the recurrent kernel; bias [1, gates, units].
    """

    def emit(build: Any, cell: Cell, rows: range, arguments: Sequence[Any]) -> None:
        unit, units, tokens, now, before, table, panel, bias, outputs, inner, kept = arguments
        at = _Addresses(build, units, unit)
        earlier = [at.entry(before, row) for row in rows]
        for row, previous in zip(rows, earlier, strict=True):
            at.prefetch(table, at.entry(tokens, row), cell.gates)
            at.prefetch(inner, previous, cell.states - 1)
            at.prefetch(inner, at.entry(now, row), cell.states - 1, write=True)
            at.prefetch(outputs, at.entry(now, row), write=True)
        sums = _products(build, [at.row(outputs, row) for row in earlier], panel, units, cell.gates)
        biases = at.load_all(bias, _FIRST, cell.gates)
        for row in rows:
            recurrent = [total + bias for total, bias in zip(sums[row], biases, strict=True)]
            projected = at.load_all(table, at.entry(tokens, row), cell.gates)
            states_before = _states(at, cell, outputs, inner, earlier[row])
            states, values = cell.step(projected, recurrent, states_before)
            current = at.entry(now, row)
            at.store_all(outputs, current, states[:1])
            at.store_all(inner, current, states[1:])
            at.store_all(kept, current, values, past_caches=True)

    return _typed(tile, (unit, units, tokens, now, before, table, panel, bias, outputs, inner, kept), emit)


@intrinsic
def backward_tile(  # type: ignore[no-untyped-def]
    context, tile, unit, units, tokens, now, before, after, incoming, carries, panel,
    outputs, inner, kept, grads, carried, grad_table, grad_bias,
):  # fmt: skip
    """The gradient of a step of the units from `unit` on, for the rows whose entries stand at tokens, now, ….

    after, now: rows of `grads` [rows, gates, units], the gradient of the recurrent product; read at after, written
    at now. before, now: rows of `outputs`, `inner` and `kept` as in `forward_tile`, read. incoming: addresses of rows
    of the gradient of the outputs. carries: rows of `carried` [rows, states, units], the gradient that goes from step
    to step beside the product; read and written. grad_table [rows, gates, units], at tokens, and grad_bias
    [1, gates, units] are added to. panel: of the transposed kernel.
    """

    def emit(build: Any, cell: Cell, rows: range, arguments: Sequence[Any]) -> None:
        (unit, units, tokens, now, before, after, incoming, carries, panel,
         outputs, inner, kept, grads, carried, grad_table, grad_bias) = arguments  # fmt: skip
        at = _Addresses(build, units, unit)
        later = [at.row(grads, at.entry(after, row), cell.gates) for row in rows]
        depth = build.mul(units, ir.Constant(I64, cell.gates))
        for row in rows:
            at.prefetch(inner, at.entry(now, row), cell.states - 1)
            at.prefetch(kept, at.entry(now, row), cell.kept)
            at.prefetch(at.entry(incoming, row), _FIRST)
            at.prefetch(inner, at.entry(before, row), cell.states - 1)
            at.prefetch(grad_table, at.entry(tokens, row), cell.gates, write=True)
            at.prefetch(grads, at.entry(now, row), cell.gates, write=True)
        sums = _products(build, later, panel, depth, columns=1)
        for row in rows:
            current, earlier, carry = at.entry(now, row), at.entry(before, row), at.entry(carries, row)
            grad_states = at.load_all(carried, carry, cell.states)
            grad_states[0] = grad_states[0] + sums[row][0] + at.load(at.entry(incoming, row), _FIRST)
            states = _states(at, cell, outputs, inner, current)
            states_before = _states(at, cell, outputs, inner, earlier)
            values = at.load_all(kept, current, cell.kept)
            projected, recurrent, through = cell.back(grad_states, states, states_before, values)
            at.store_all(grads, current, recurrent)
            for state, grad in enumerate(through):
                if grad is not None:
                    grad.store(at.of(carried, carry, cell.states, state))
            at.add_all(grad_table, at.entry(tokens, row), projected)
            at.add_all(grad_bias, _FIRST, recurrent)

    arguments = (unit, units, tokens, now, before, after, incoming, carries, panel,
                 outputs, inner, kept, grads, carried, grad_table, grad_bias)  # fmt: skip
    return _typed(tile, arguments, emit)


_FIRST = ir.Constant(I64, 0)


def _typed(
    tile: Any, arguments: Sequence[Any], emit: Callable[[Any, Cell, range, Sequence[Any]], None]
) -> Any:
    """What Numba wants of an intrinsic: its signature, and a function that writes its code."""
    if not isinstance(tile, types.StringLiteral):
        raise RequireLiteralValue("a tile is written for one cell and number of rows")

    def generate(context: Any, build: Any, signature: Any, values: Sequence[Any]) -> Any:
        emit(build, *_named(tile.literal_value), values[1:])
        return context.get_dummy_value()

    return types.void(tile, *[types.int64] * len(arguments)), generate


class _Addresses:
    """Loads and stores of the vector of units that a tile is about, in arrays [rows, slots, units]."""

    def __init__(self, build: Any, units: Any, unit: Any) -> None:
        self._build = build
        self._slot_bytes = build.mul(units, ir.Constant(I64, FLOAT))
        self._unit_bytes = build.mul(unit, ir.Constant(I64, FLOAT))

    def entry(self, entries: Any, index: int) -> Any:
        """Entry `index` of an array of int64."""
        address = self._build.add(entries, ir.Constant(I64, 8 * index))
        return self._build.load(self._build.inttoptr(address, I64.as_pointer()))

    def row(self, array: Any, row: Any, slots: int = 1, slot: int = 0) -> Any:
        """The address of a slot."""
        place = self._build.add(self._build.mul(row, ir.Constant(I64, slots)), ir.Constant(I64, slot))
        return self._build.add(array, self._build.mul(place, self._slot_bytes))

    def of(self, array: Any, row: Any, slots: int = 1, slot: int = 0) -> Any:
        """The address of the tile's units in a slot."""
        return self._build.add(self.row(array, row, slots, slot), self._unit_bytes)

    def prefetch(self, array: Any, row: Any, slots: int = 1, *, write: bool = False) -> None:
        for slot in range(slots):
            vectors.prefetch(self._build, self.of(array, row, slots, slot), write=write)

    def load(self, array: Any, row: Any) -> Vector:
        return Vector.load(self._build, self.of(array, row))

    def load_all(self, array: Any, row: Any, slots: int) -> list[Vector]:
        return [Vector.load(self._build, self.of(array, row, slots, slot)) for slot in range(slots)]

    def store_all(self, array: Any, row: Any, values: Sequence[Vector], *, past_caches: bool = False) -> None:
        for slot, value in enumerate(values):
            value.store(self.of(array, row, len(values), slot), past_caches=past_caches)

    def add_all(self, array: Any, row: Any, values: Sequence[Vector]) -> None:
        sums = self.load_all(array, row, len(values))
        self.store_all(array, row, [total + value for total, value in zip(sums, values, strict=True)])


def _states(at: _Addresses, cell: Cell, outputs: Any, inner: Any, row: Any) -> list[Vector]:
    return [at.load(outputs, row), *at.load_all(inner, row, cell.states - 1)]


def _products(build: Any, rows: Sequence[Any], panel: Any, depth: Any, columns: int) -> list[list[Vector]]:
    """For each row its `depth` floats, which stand at these addresses, times the panel [depth, columns, LANES]."""
    sums = [[Accumulator(build) for _ in range(columns)] for _ in rows]
    with cgutils.for_range(build, depth, intp=I64) as loop:
        line = build.add(panel, build.mul(loop.index, ir.Constant(I64, columns * LANES * FLOAT)))
        offset = build.mul(loop.index, ir.Constant(I64, FLOAT))
        places = [build.add(line, ir.Constant(I64, column * LANES * FLOAT)) for column in range(columns)]
        factors = [Vector.load(build, place) for place in places]
        for row, totals in zip(rows, sums, strict=True):
            value = Vector.broadcast(build, build.add(row, offset))
            for factor, total in zip(factors, totals, strict=True):
                total.add(value * factor)
    return [[total.value for total in totals] for totals in sums]
