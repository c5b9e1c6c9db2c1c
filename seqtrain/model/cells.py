"""The recurrent cells: one step of each and its gradient, in plain arithmetic.

The functions are written once, with `+ - * /`, `tanh` and `sigmoid` alone, for whatever has these: NumPy arrays, or
the vectors of a processor, which is how `kernels` compiles them.

LSTM: Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000, gates i f g o. GRU: Cho et al. 2014,
gates z r h, with the reset gate applied after the product (`reset_after` in Keras). RNN: Elman 1990, tanh.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any

Values = Sequence[Any]


@dataclass(frozen=True)
class Cell:
    """One step of a recurrence and its gradient.

    gates: pre-activations per unit. states: how many values pass from step to step; the first is the output.
    kept: how many further values `step` keeps for `back`. input_bias: whether the input's share of the
    pre-activations has a bias of its own, beside that of the recurrent product.

    step(projected, recurrent, before) → (states, kept): the input's share of the pre-activations, that of the previous
    output, a value per gate each, and the previous states.
    back(grads, states, before, kept) → (grad_projected, grad_recurrent, grad_before), where grads are those of the
    states, and grad_before leaves out what flows through `recurrent`; None stands for "nothing else".
    """

    gates: int
    states: int
    kept: int
    input_bias: bool
    step: Callable[[Values, Values, Values], tuple[Values, Values]]
    back: Callable[[Values, Values, Values, Values], tuple[Values, Values, Values]]


def tanh(x: Any) -> Any:
    """A quotient of polynomials, as in Eigen (degrees 13 and 6): within 3e-7 everywhere, NaN for NaN."""
    x = x.clip(-7.998811721801758, 7.998811721801758)
    square = x * x
    above = _polynomial(
        square,
        (
            -2.76076847742355e-16,
            2.00018790482477e-13,
            -8.60467152213735e-11,
            5.12229709037114e-08,
            1.48572235717979e-05,
            6.37261928875436e-04,
            4.89352455891786e-03,
        ),
    )
    below = _polynomial(
        square, (1.19825839466702e-06, 1.18534705686654e-04, 2.26843463243900e-03, 4.89352518554385e-03)
    )
    return x * above / below


def sigmoid(x: Any) -> Any:
    return tanh(x * 0.5) * 0.5 + 0.5


def _polynomial(x: Any, coefficients: Sequence[float]) -> Any:
    """By Horner's rule, the highest degree first."""
    return reduce(lambda value, coefficient: value * x + coefficient, coefficients)


def _lstm_step(projected: Values, recurrent: Values, before: Values) -> tuple[Values, Values]:
    i, f, g, o = (x + r for x, r in zip(projected, recurrent, strict=True))
    i, f, g, o = sigmoid(i), sigmoid(f), tanh(g), sigmoid(o)
    carry = f * before[1] + i * g
    squashed = tanh(carry)
    return (o * squashed, carry), (i, f, g, o)


def _lstm_back(grads: Values, states: Values, before: Values, kept: Values) -> tuple[Values, Values, Values]:
    i, f, g, o = kept
    squashed = tanh(states[1])
    grad_carry = grads[1] + grads[0] * o * (1.0 - squashed * squashed)
    gates = (
        grad_carry * g * i * (1.0 - i),
        grad_carry * before[1] * f * (1.0 - f),
        grad_carry * i * (1.0 - g * g),
        grads[0] * squashed * o * (1.0 - o),
    )
    return gates, gates, (None, grad_carry * f)


def _gru_step(projected: Values, recurrent: Values, before: Values) -> tuple[Values, Values]:
    z, r = sigmoid(projected[0] + recurrent[0]), sigmoid(projected[1] + recurrent[1])
    candidate = tanh(projected[2] + r * recurrent[2])
    return (z * before[0] + (1.0 - z) * candidate,), (z, r, recurrent[2], candidate)


def _gru_back(grads: Values, states: Values, before: Values, kept: Values) -> tuple[Values, Values, Values]:
    z, r, recurrent_h, candidate = kept
    grad_h = grads[0] * (1.0 - z) * (1.0 - candidate * candidate)
    grad_z = grads[0] * (before[0] - candidate) * z * (1.0 - z)
    grad_r = grad_h * recurrent_h * r * (1.0 - r)
    return (grad_z, grad_r, grad_h), (grad_z, grad_r, grad_h * r), (grads[0] * z,)


def _rnn_step(projected: Values, recurrent: Values, before: Values) -> tuple[Values, Values]:
    return (tanh(projected[0] + recurrent[0]),), ()


def _rnn_back(grads: Values, states: Values, before: Values, kept: Values) -> tuple[Values, Values, Values]:
    gates = (grads[0] * (1.0 - states[0] * states[0]),)
    return gates, gates, (None,)


CELLS = {
    "lstm": Cell(gates=4, states=2, kept=4, input_bias=False, step=_lstm_step, back=_lstm_back),
    "gru": Cell(gates=3, states=1, kept=4, input_bias=True, step=_gru_step, back=_gru_back),
    "rnn": Cell(gates=1, states=1, kept=0, input_bias=False, step=_rnn_step, back=_rnn_back),
}
