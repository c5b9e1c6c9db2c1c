"""Recurrence over right-padded texts: the time loop with a gradient written by hand.

Four ideas make it fast on a CPU, and none of them changes the mathematics:

1.  **Only the recurrence is in the loop.** What depends on the input alone, `x · kernel`, is computed before the loop,
    for all steps at once. On the first layer it is computed once per *distinct token* of the batch instead of once per
    position: the loop gets the table of these projections and, for each position, the row to take.
2.  **A step is one pass** in compiled code: product and gates together, in registers (`compiled`). It keeps the gates.
3.  **The loop back computes only what the recurrence needs**, the gradient of each step's pre-activations, from the
    gates that were kept. On the way it adds them up per row of the table: the gradient of the projection arrives with
    one row per distinct token as well.
4.  **The gradient of the recurrent kernel is one large product** after the loop, over all steps at once.

The loop stops at the end of each text. Padding is neither read nor part of any sum, outputs there are exactly zero,
and the backward direction reads and writes in text order: nothing has to be reversed or masked around it.

Shapes: time T, batch B, units H, gates G (LSTM 4, GRU 3, RNN 1). Weights are laid out as in Keras: kernel
[features, G·H], recurrent_kernel [H, G·H], bias [G·H]; the GRU's is [2, 3·H], input and recurrent.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from seqtrain.cores import physical_cores
from seqtrain.model.cells import CELLS
from seqtrain.model.compiled.loops import EXTRA_ROWS, loops
from seqtrain.model.compiled.tiles import aligned, backward_panels, forward_panels
from seqtrain.model.compiled.vectors import LANES

Floats = NDArray[np.float32]
Integers = NDArray[np.int32]


@dataclass(frozen=True)
class Direction:
    """What one direction of a layer reads, and its weights.

    table <float32>[rows, G·H]: the input's share of the pre-activations, a row for each that there is in the batch.
    bias <float32>[G·H] is that of the recurrent product. reverse: from each text's last token to its first.
    """

    table: Any
    recurrent_kernel: Any
    bias: Any
    reverse: bool


def scan(
    cell: str, directions: Sequence[Direction], indices: Any, lengths: Any, *, memory: Memory
) -> list[Any]:
    """Runs the directions of a layer over the texts, from a zero state.

    indices <int32>[T, B]: the row of the tables at position t of text b; lengths <int32>[B]. → for each direction its
    outputs <float32>[T, B, H] in text order, differentiable. They are zero at padding, and their gradient is not read
    there. memory: one for each layer; graphs that share it must not run at the same time.
    """
    gates, units = CELLS[cell].gates, directions[0].recurrent_kernel.shape[0]
    width = -(-units // LANES) * LANES  # the loops take whole vectors of units: the rest has weights of zero
    reverse, count = [direction.reverse for direction in directions], len(directions)
    loop = Loop(cell, width, reverse, threads=_threads(), memory=memory)

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(*weights: Any) -> tuple[Any, Callable[..., list[Any]]]:
        tables, kernels, _ = _by_kind(weights, count)
        results = tf.numpy_function(
            loop.forward, [indices, lengths, *weights], [tf.float32] * 3 * count, stateful=False
        )
        time, batch = tf.unstack(tf.shape(indices))
        outputs = [tf.reshape(states[:-EXTRA_ROWS], [time, batch, width]) for states in results[:count]]

        def gradient(*grad_outputs: Any) -> list[Any]:
            sizes = [tf.shape(table)[0] for table in tables]
            found = tf.numpy_function(
                loop.backward,
                [indices, lengths, *sizes, *kernels, *results, *grad_outputs],
                [tf.float32] * 3 * count,
                stateful=False,
            )
            grads, grad_tables, grad_biases = _by_kind(found, count)
            grads = [tf.reshape(grad[:-EXTRA_ROWS], [time, batch, gates * width]) for grad in grads]
            for table, bias in zip(grad_tables, grad_biases, strict=True):
                table.set_shape([None, gates * width])
                bias.set_shape([gates * width])
            return [*grad_tables, *map(_kernel_gradient, outputs, grads, reverse), *grad_biases]

        return outputs, gradient

    outputs = run(
        *(_widened(direction.table, gates, width) for direction in directions),
        *(
            tf.pad(_widened(direction.recurrent_kernel, gates, width), [[0, width - units], [0, 0]])
            for direction in directions
        ),
        *(_widened(direction.bias, gates, width) for direction in directions),
    )
    return [output if width == units else output[:, :, :units] for output in outputs]


def _threads() -> int:
    """How many TensorFlow uses: operations at a time × threads of each; 0 stands for its own choice."""
    settings = tf.config.threading
    product = settings.get_inter_op_parallelism_threads() * settings.get_intra_op_parallelism_threads()
    return product or physical_cores()


def _by_kind(values: Sequence[Any], count: int) -> list[Sequence[Any]]:
    """Cuts a list into lists of `count`, one entry a direction."""
    return [values[start : start + count] for start in range(0, len(values), count)]


def _kernel_gradient(outputs: Any, grads: Any, reverse: bool) -> Any:
    """Σ over all steps of the output before a step × the gradient of its recurrent product.

    Before the step at a position comes that at the position before, or after it if the text is read in reverse.
    """
    before, grads = (outputs[1:], grads[:-1]) if reverse else (outputs[:-1], grads[1:])
    return tf.matmul(
        tf.reshape(before, [-1, before.shape[2]]), tf.reshape(grads, [-1, grads.shape[2]]), transpose_a=True
    )


def _widened(values: Any, gates: int, width: int) -> Any:
    """Fills up the units of each gate with zeros: [..., G·H] → [..., G·width]."""
    units = values.shape[-1] // gates
    if units == width:
        return values
    *rest, _ = values.shape
    rest = [-1 if size is None else size for size in rest]
    split = tf.reshape(values, [*rest, gates, units])
    return tf.reshape(
        tf.pad(split, [*[[0, 0]] * (len(rest) + 1), [0, width - units]]), [*rest, gates * width]
    )


class Memory:
    """Arrays that are used again at every step: new ones would cost more time than what they are used for."""

    def __init__(self) -> None:
        self._arrays: dict[tuple[str, int, int], Floats] = {}

    def array(self, name: str, direction: int, rows: int, columns: int, part: int = 0) -> Floats:
        """[rows, columns], not filled, unless by an earlier step."""
        size, key = rows * columns, (name, direction, part)
        if key not in self._arrays or self._arrays[key].size < size:
            self._arrays[key] = aligned(size)
        return self._arrays[key][:size].reshape(rows, columns)

    def free(self) -> None:
        self._arrays.clear()


class Loop:
    """The compiled loops of a layer and the threads they run in.

    The directions run side by side, and so do parts of the batch where there are more threads than directions.
    What a method returns is valid until something else is computed in the same memory.
    """

    def __init__(
        self, cell: str, units: int, reverse: Sequence[bool], *, threads: int, memory: Memory
    ) -> None:
        self._cell, self._units, self._reverse, self._memory = CELLS[cell], units, reverse, memory
        self._loops = loops(cell)
        self._parts = max(1, threads // len(reverse))
        self._pool = ThreadPoolExecutor(min(threads, self._parts * len(reverse)))

    def forward(self, indices: Integers, lengths: Integers, *weights: Floats) -> list[Floats]:
        """weights: tables, kernels, biases. → outputs [T · B + 2, H], and what `backward` needs besides."""
        tables, kernels, biases = _by_kind(weights, len(self._reverse))
        rows = indices.size + EXTRA_ROWS
        outputs = self._arrays("outputs", rows, self._units)
        inner = self._arrays("inner", rows, (self._cell.states - 1) * self._units)
        kept = self._arrays("kept", rows, self._cell.kept * self._units)
        panels = [forward_panels(kernel, self._cell.gates) for kernel in kernels]

        def part(number: int, first: int, last: int) -> None:
            self._loops.forward(
                first, last, self._reverse[number], indices, lengths,
                tables[number], panels[number], biases[number], outputs[number], inner[number], kept[number],
            )  # fmt: skip

        self._side_by_side(part, len(lengths))
        return [*outputs, *inner, *kept]

    def backward(self, indices: Integers, lengths: Integers, *values: Any) -> list[Floats]:
        """values: table sizes, kernels, results of `forward`, which may be lost, gradients of the outputs [T, B, H].

        → gradients: of the recurrent products [T · B + 2, G·H], of the tables [rows, G·H], of the biases [G·H].
        """
        sizes, kernels, outputs, inner, kept, grad_outputs = _by_kind(values, len(self._reverse))
        columns = kernels[0].shape[1]
        rows = indices.size + EXTRA_ROWS
        grads = kept  # each is read before it is written: in place where the sizes are the same
        if self._cell.kept != self._cell.gates:
            grads = self._arrays("grads", rows, columns)
        panels = [backward_panels(kernel) for kernel in kernels]

        def part(number: int, first: int, last: int) -> tuple[Floats, Floats]:
            grad_table = self._memory.array("table", number, int(sizes[number]), columns, first)
            grad_table[:] = 0.0
            grad_bias = np.zeros(columns, np.float32)
            self._loops.backward(
                first, last, self._reverse[number], indices, lengths, panels[number],
                outputs[number], inner[number], kept[number],
                grad_outputs[number].reshape(-1, self._units), grads[number], grad_table, grad_bias,
            )  # fmt: skip
            return grad_table, grad_bias

        parts = self._side_by_side(part, len(lengths))
        tables, biases = zip(
            *(map(_sum, zip(*of_direction, strict=True)) for of_direction in parts), strict=True
        )
        return [*grads, *tables, *biases]

    def _arrays(self, name: str, rows: int, columns: int) -> list[Floats]:
        """One for each direction."""
        return [self._memory.array(name, number, rows, columns) for number in range(len(self._reverse))]

    def _side_by_side(self, work: Callable[[int, int, int], Any], batch: int) -> list[list[Any]]:
        """work(direction, first, last) for each direction and consecutive parts of the batch → results by direction."""
        edges = sorted({batch * part // self._parts for part in range(self._parts + 1)})
        *others, own = [(number, *part) for number in range(len(self._reverse)) for part in pairwise(edges)]
        pending = [self._pool.submit(work, *task) for task in others]
        last = work(*own)  # in this thread, which would only wait
        results = [*(task.result() for task in pending), last]
        return [list(of_direction) for of_direction in _by_kind(results, len(edges) - 1)]


def _sum(values: Sequence[Floats]) -> Floats:
    return sum(values[1:], values[0])
