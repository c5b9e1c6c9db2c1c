"""Recurrence over right-padded texts: the time loop with a gradient written by hand.

Four ideas make it fast on a CPU, and none of them changes the mathematics:

1.  **Only the recurrence is in the loop.** What depends on the input alone, `x · kernel`, is computed before the loop,
    for all steps at once. On the first layer it is computed once per *distinct token* of the batch instead of once per
    position: the loop gets the table of these projections and, for each position, the row to take (`Projected`).
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

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from seqtrain.model.cells import CELLS
from seqtrain.model.compiled.loops import EXTRA_ROWS, loops
from seqtrain.model.compiled.tiles import aligned, backward_panels, forward_panels, slots
from seqtrain.model.compiled.vectors import LANES

Floats = NDArray[np.float32]


@dataclass(frozen=True)
class Projected:
    """The input's share of the pre-activations: row `indices[t, b]` of `table` at position t of text b.

    table <float32>[rows, G·H], indices <int32>[T, B], lengths <int32>[B].
    """

    table: tf.Tensor
    indices: tf.Tensor
    lengths: tf.Tensor


def scan(cell: str, projected: Projected, recurrent_kernel: Any, bias: Any, *, reverse: bool) -> tf.Tensor:
    """Runs a cell over the texts from a zero state → outputs <float32>[T, B, H] in text order, differentiable.

    reverse: from each text's last token to its first. bias <float32>[G·H] is that of the recurrent product. Outputs at
    padded positions are zero; their gradient is not read.
    """
    gates, units = CELLS[cell].gates, recurrent_kernel.shape[0]
    width = -(-units // LANES) * LANES  # the loops take whole vectors of units: the rest has weights of zero
    loop = Loop(cell, width, reverse, threads=max(1, tf.config.threading.get_intra_op_parallelism_threads()))
    indices, lengths = projected.indices, projected.lengths

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(table: Any, kernel: Any, bias: Any) -> tuple[Any, Callable[[Any], tuple[Any, ...]]]:
        states, kept = tf.numpy_function(
            loop.forward, [table, indices, lengths, kernel, bias], [tf.float32] * 2, stateful=False
        )
        states.set_shape([None, width])
        time, batch = tf.unstack(tf.shape(indices))
        outputs = tf.reshape(states[:-EXTRA_ROWS], [time, batch, width])

        def gradient(grad_outputs: Any) -> tuple[Any, ...]:
            grads, grad_table, grad_bias = tf.numpy_function(
                loop.backward,
                [grad_outputs, indices, lengths, kernel, states, kept, tf.shape(table)[0]],
                [tf.float32] * 3,
                stateful=False,
            )
            grads = tf.reshape(grads[:-EXTRA_ROWS], [time, batch, gates * width])
            grad_table.set_shape([None, gates * width])
            grad_bias.set_shape([gates * width])
            # The output before a step is that of the position before it; of the one after it if the text is reversed.
            before, grads = (outputs[1:], grads[:-1]) if reverse else (outputs[:-1], grads[1:])
            grad_kernel = tf.matmul(
                tf.reshape(before, [-1, width]), tf.reshape(grads, [-1, gates * width]), transpose_a=True
            )
            return grad_table, grad_kernel, grad_bias

        return outputs, gradient

    outputs = run(
        _widened(projected.table, gates, width),
        tf.pad(_widened(recurrent_kernel, gates, width), [[0, width - units], [0, 0]]),
        _widened(bias, gates, width),
    )
    return outputs if width == units else outputs[:, :, :units]


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


class Loop:
    """The compiled loops of one direction of one layer, and the memory that they use again at every step.

    What a method returns is valid until it is called the next time. threads: into how many parts a batch is cut.
    """

    def __init__(self, cell: str, units: int, reverse: bool, *, threads: int) -> None:
        self._cell, self._units, self._reverse = CELLS[cell], units, reverse
        self._loops = loops(cell)
        self._memory: dict[str, Floats] = {}
        self._threads = threads
        self._pool = ThreadPoolExecutor(threads) if threads > 1 else None

    def forward(
        self,
        table: Floats,
        indices: NDArray[np.int32],
        lengths: NDArray[np.int32],
        kernel: Floats,
        bias: Floats,
    ) -> tuple[Floats, Floats]:
        """→ outputs [T · B + 2, H] and what `backward` needs besides."""
        time, batch = indices.shape
        rows = time * batch
        outputs = self._array("outputs", rows + EXTRA_ROWS, self._units)
        kept = self._array("kept", rows + EXTRA_ROWS, slots(self._cell) * self._units)
        panels = forward_panels(kernel, self._cell.gates)
        self._in_parts(
            batch,
            lambda first, last: self._loops.forward(
                first, last, self._reverse, indices, lengths, table, panels, bias, outputs, kept
            ),
        )
        return outputs, kept

    def backward(
        self,
        grad_outputs: Floats,
        indices: NDArray[np.int32],
        lengths: NDArray[np.int32],
        kernel: Floats,
        outputs: Floats,
        kept: Floats,
        table_rows: NDArray[np.int32],
    ) -> tuple[Floats, Floats, Floats]:
        """→ gradients: of the recurrent product [T · B + 2, G·H], of the table [rows, G·H], of the bias [G·H]."""
        time, batch = indices.shape
        rows, columns = time * batch, kernel.shape[1]
        grads = self._array("grads", rows + EXTRA_ROWS, columns)
        panels = backward_panels(kernel)
        grad_outputs = grad_outputs.reshape(rows, self._units)

        def part(first: int, last: int) -> tuple[Floats, Floats]:
            grad_table = self._array(f"table from {first}", int(table_rows), columns)
            grad_table[:] = 0.0
            grad_bias = np.zeros(columns, np.float32)
            self._loops.backward(
                first, last, self._reverse, indices, lengths,
                panels, outputs, kept, grad_outputs, grads, grad_table, grad_bias,
            )  # fmt: skip
            return grad_table, grad_bias

        tables, biases = zip(*self._in_parts(batch, part), strict=True)
        return grads, sum(tables[1:], tables[0]), sum(biases[1:], biases[0])

    def _in_parts(self, batch: int, work: Callable[[int, int], Any]) -> list[Any]:
        """work(first, last) for consecutive parts of the batch, side by side."""
        if self._pool is None:
            return [work(0, batch)]
        edges = sorted({batch * part // self._threads for part in range(self._threads + 1)})
        return list(self._pool.map(work, edges[:-1], edges[1:]))

    def _array(self, name: str, rows: int, columns: int) -> Floats:
        """Not filled, unless by an earlier step. New memory would cost more than what it is used for."""
        size = rows * columns
        if name not in self._memory or self._memory[name].size < size:
            self._memory[name] = aligned(size)
        return self._memory[name][:size].reshape(rows, columns)
