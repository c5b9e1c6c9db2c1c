"""Recurrent cells and the time loop they share, with a gradient written by hand.

Three ideas make the loop fast on a CPU, and none of them changes the mathematics:

1.  **Only the recurrence is in the loop.** What depends on the input alone, `x · kernel + bias`, is computed
    before the loop, for all steps at once. On the first layer it is computed once per *distinct token* of the
    batch instead of once per position, and the loop looks its row up (`Projected`).
2.  **The backward loop computes only what the recurrence needs**: the gradient of each step's
    pre-activations. It reads the activations that the forward loop kept instead of computing them anew.
3.  **Every weight gradient is one large product** after the loop, over all steps at once, in place of a small
    product and an addition per step.

Padding is on the right, so padded steps come after every real one and the loop needs no mask: what it computes
there reaches no real step. The caller zeroes the outputs at padded steps (`masking.zero_padding`), which makes
the gradient that enters the backward loop there exactly zero, and keeps the inputs there finite.

Shapes: time T, batch B, units H, gates G (LSTM 4, GRU 3, RNN 1). Weights are laid out as in Keras: kernel
[features, G·H], recurrent_kernel [H, G·H], bias [G·H]; the GRU's is [2, 3·H], input and recurrent.

LSTM: Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000, gates i f g o. GRU: Cho et al. 2014,
gates z r h, with the reset gate applied after the product (`reset_after` in Keras). RNN: Elman 1990, tanh.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

Tensors = tuple[Any, ...]


@dataclass(frozen=True)
class Cell:
    """One step of a recurrence and its gradient.

    gates: pre-activations per unit. states: how many tensors <float32>[B, H] pass from step to step; the first is
    the output. kept: how many tensors <float32>[B, H] `step` keeps for `back`. recurrent_bias: whether it has one.

    step(projected, recurrent, states) → (states, kept), where `projected` is the input's share of the
    pre-activations and `recurrent` the previous output's, both <float32>[B, G·H].
    back(grad_states, kept) → (grad_projected, grad_recurrent, grad_states_before), where the last leaves out what
    flows through `recurrent`; None stands for "nothing else".
    """

    gates: int
    states: int
    kept: int
    recurrent_bias: bool
    step: Callable[[Any, Any, Tensors], tuple[Tensors, Tensors]]
    back: Callable[[Tensors, Tensors], tuple[Any, Any, Tensors]]


@dataclass(frozen=True)
class Projected:
    """The input's share of the pre-activations, `x · kernel + bias`: row `indices[t, b]` of `table` at step t.

    table <float32>[rows, G·H], indices <int32>[T, B].
    """

    table: tf.Tensor
    indices: tf.Tensor


def scan(cell: Cell, projected: Projected, recurrent_kernel: Any, recurrent_bias: Any | None) -> tf.Tensor:
    """Runs the cell over time from a zero state → outputs <float32>[T, B, H], differentiable.

    Outputs at padded steps are finite but meaningless, see the module's docstring.
    """
    indices = projected.indices

    @tf.custom_gradient  # type: ignore[untyped-decorator]
    def run(table: Any, kernel: Any, *bias: Any) -> tuple[Any, Callable[[Any], Tensors]]:
        outputs, kept = _forward(cell, table, indices, kernel, bias)

        def gradient(grad_outputs: Any) -> Tensors:
            grad_projected, grad_recurrent = _backward(cell, grad_outputs, kept, kernel)
            flat = tf.reshape(grad_projected, [-1, cell.gates * kernel.shape[0]])
            grad_table = tf.math.unsorted_segment_sum(flat, tf.reshape(indices, [-1]), tf.shape(table)[0])
            # The output before step t is the one of step t - 1, and zero before the first.
            grad_kernel = _flat_product(outputs[:-1], grad_recurrent[1:])
            grad_bias = (tf.reduce_sum(grad_recurrent, axis=[0, 1]),) if bias else ()
            return (grad_table, grad_kernel, *grad_bias)

        return outputs, gradient

    return run(projected.table, recurrent_kernel, *(() if recurrent_bias is None else (recurrent_bias,)))


def _forward(cell: Cell, table: Any, indices: Any, kernel: Any, bias: Tensors) -> tuple[Any, Tensors]:
    """Steps through time → outputs <float32>[T, B, H] and the arrays of what each step kept."""
    time, units = tf.shape(indices)[0], kernel.shape[0]
    zero = tf.zeros([tf.shape(indices)[1], units])
    arrays = _arrays(1 + cell.kept, time, units)

    def body(t: Any, states: Tensors, arrays: Tensors) -> Tensors:
        recurrent = tf.matmul(states[0], kernel)
        recurrent = recurrent + bias[0] if bias else recurrent
        states, kept = cell.step(tf.gather(table, indices[t]), recurrent, states)
        values = (states[0], *kept)
        return (
            t + 1,
            states,
            tuple(array.write(t, value) for array, value in zip(arrays, values, strict=True)),
        )

    _, _, (outputs, *kept) = tf.while_loop(
        lambda t, *_: t < time, body, (0, (zero,) * cell.states, arrays), parallel_iterations=1
    )
    return outputs.stack(), tuple(kept)


def _backward(cell: Cell, grad_outputs: Any, kept: Tensors, kernel: Any) -> tuple[Any, Any]:
    """Steps back through time → gradients of the projected input and of the recurrent product, [T, B, G·H]."""
    time, units = tf.shape(grad_outputs)[0], kernel.shape[0]
    transposed = tf.transpose(kernel)
    zero = tf.zeros_like(grad_outputs[0])
    arrays = _arrays(2 if cell.recurrent_bias else 1, time, cell.gates * units)

    def body(t: Any, grads: Tensors, arrays: Tensors) -> Tensors:
        grads = (grads[0] + grad_outputs[t], *grads[1:])
        grad_projected, grad_recurrent, before = cell.back(grads, tuple(array.read(t) for array in kept))
        through = tf.matmul(grad_recurrent, transposed)
        through = through if before[0] is None else through + before[0]
        values = (grad_projected, grad_recurrent)
        arrays = tuple(array.write(t, value) for array, value in zip(arrays, values, strict=False))
        return t - 1, (through, *before[1:]), arrays

    _, _, arrays = tf.while_loop(
        lambda t, *_: t >= 0, body, (time - 1, (zero,) * cell.states, arrays), parallel_iterations=1
    )
    grads = [array.stack() for array in arrays]
    return grads[0], grads[-1]  # without a bias of its own the recurrent product has the input's gradient


def _arrays(count: int, time: Any, features: int) -> Tensors:
    return tuple(tf.TensorArray(tf.float32, time, element_shape=[None, features]) for _ in range(count))


def _flat_product(left: Any, right: Any) -> Any:
    """Sums leftᵀ · right over time and batch as one product: [T, B, n], [T, B, m] → [n, m]."""
    return tf.matmul(
        tf.reshape(left, [-1, left.shape[-1]]), tf.reshape(right, [-1, right.shape[-1]]), transpose_a=True
    )


def _lstm_step(projected: Any, recurrent: Any, states: Tensors) -> tuple[Tensors, Tensors]:
    _, carry_before = states
    i, f, g, o = tf.split(projected + recurrent, 4, axis=1)
    i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
    carry = f * carry_before + i * g
    squashed = tf.tanh(carry)
    return (o * squashed, carry), (i, f, g, o, squashed, carry_before)


def _lstm_back(grad_states: Tensors, kept: Tensors) -> tuple[Any, Any, Tensors]:
    (grad_output, grad_carry), (i, f, g, o, squashed, carry_before) = grad_states, kept
    grad_carry += grad_output * o * (1.0 - squashed * squashed)
    grad_i = grad_carry * g * i * (1.0 - i)
    grad_f = grad_carry * carry_before * f * (1.0 - f)
    grad_g = grad_carry * i * (1.0 - g * g)
    grad_o = grad_output * squashed * o * (1.0 - o)
    grad = tf.concat([grad_i, grad_f, grad_g, grad_o], axis=1)
    return grad, grad, (None, grad_carry * f)


def _gru_step(projected: Any, recurrent: Any, states: Tensors) -> tuple[Tensors, Tensors]:
    (output_before,) = states
    xz, xr, xh = tf.split(projected, 3, axis=1)
    rz, rr, rh = tf.split(recurrent, 3, axis=1)
    z, r = tf.sigmoid(xz + rz), tf.sigmoid(xr + rr)
    candidate = tf.tanh(xh + r * rh)
    output = z * output_before + (1.0 - z) * candidate
    return (output,), (z, r, rh, candidate, output_before)


def _gru_back(grad_states: Tensors, kept: Tensors) -> tuple[Any, Any, Tensors]:
    (grad_output,), (z, r, rh, candidate, output_before) = grad_states, kept
    grad_h = grad_output * (1.0 - z) * (1.0 - candidate * candidate)
    grad_z = grad_output * (output_before - candidate) * z * (1.0 - z)
    grad_r = grad_h * rh * r * (1.0 - r)
    grad_projected = tf.concat([grad_z, grad_r, grad_h], axis=1)
    grad_recurrent = tf.concat([grad_z, grad_r, grad_h * r], axis=1)
    return grad_projected, grad_recurrent, (grad_output * z,)


def _rnn_step(projected: Any, recurrent: Any, states: Tensors) -> tuple[Tensors, Tensors]:
    output = tf.tanh(projected + recurrent)
    return (output,), (output,)


def _rnn_back(grad_states: Tensors, kept: Tensors) -> tuple[Any, Any, Tensors]:
    (grad_output,), (output,) = grad_states, kept
    grad = grad_output * (1.0 - output * output)
    return grad, grad, (None,)


CELLS = {
    "lstm": Cell(gates=4, states=2, kept=6, recurrent_bias=False, step=_lstm_step, back=_lstm_back),
    "gru": Cell(gates=3, states=1, kept=5, recurrent_bias=True, step=_gru_step, back=_gru_back),
    "rnn": Cell(gates=1, states=1, kept=1, recurrent_bias=False, step=_rnn_step, back=_rnn_back),
}
