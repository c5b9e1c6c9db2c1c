"""The compiled time loops at sizes of every kind, against the cells' arithmetic on NumPy arrays in float64."""

from __future__ import annotations

import os
import subprocess
import sys

import numpy as np
import pytest
import tensorflow as tf
from hypothesis import given, settings
from hypothesis import strategies as st

from seqtrain.model.cells import CELLS
from seqtrain.model.compiled import loops
from seqtrain.model.compiled.vectors import LANES
from seqtrain.model.recurrence import Direction, Loop, Memory, scan

TOLERANCE = 5e-6  # float32 against float64, values of size one
ROWS = 6  # of the table


class Sample:
    """A batch and weights, and what a recurrence makes of them."""

    def __init__(self, cell: str, units: int, lengths: list[int], seed: int = 0) -> None:
        random = np.random.RandomState(seed)
        columns = CELLS[cell].gates * units
        self.cell, self.lengths = cell, np.array(lengths, np.int32)
        self.indices = random.randint(0, ROWS, (max(lengths), len(lengths))).astype(np.int32)
        self.table = random.normal(size=(ROWS, columns)).astype(np.float32)
        self.kernel = (random.normal(size=(units, columns)) / np.sqrt(units)).astype(np.float32)
        self.bias = random.normal(size=columns).astype(np.float32)
        self.grad_outputs = random.normal(size=(*self.indices.shape, units)).astype(np.float32)

    def scan(self, *, reverse: bool) -> list[np.ndarray]:
        """Outputs and the gradients of table, kernel and bias."""
        weights = [tf.constant(values) for values in (self.table, self.kernel, self.bias)]
        with tf.GradientTape() as tape:
            tape.watch(weights)
            (outputs,) = scan(
                self.cell, [Direction(*weights, reverse)], self.indices, self.lengths, memory=Memory()
            )
        return [outputs.numpy(), *(g.numpy() for g in tape.gradient(outputs, weights, self.grad_outputs))]

    def oracle(self, *, reverse: bool) -> list[np.ndarray]:
        """The same text by text and step by step."""
        outputs = np.zeros(self.grad_outputs.shape)
        grads = [np.zeros(values.shape) for values in (self.table, self.kernel, self.bias)]
        for text, length in enumerate(self.lengths):
            positions = np.arange(length)[::-1] if reverse else np.arange(length)
            self._text(text, positions, outputs, *grads)
        return [outputs, *grads]

    def _text(self, text, positions, outputs, grad_table, grad_kernel, grad_bias):
        cell, kernel = CELLS[self.cell], self.kernel.astype(float)
        states, steps = [np.zeros(len(kernel))] * cell.states, []
        for position in positions:
            before = states
            projected = np.split(self.table[self.indices[position, text]].astype(float), cell.gates)
            states, kept = cell.step(projected, np.split(before[0] @ kernel + self.bias, cell.gates), before)
            outputs[position, text] = states[0]
            steps.append((position, before, states, kept))
        grads = [np.zeros(len(kernel))] * cell.states
        for position, before, states, kept in reversed(steps):
            grads = [grads[0] + self.grad_outputs[position, text], *grads[1:]]
            projected, recurrent, through = cell.back(grads, states, before, kept)
            grad_table[self.indices[position, text]] += np.concatenate(projected)
            recurrent = np.concatenate(recurrent)
            grad_kernel += np.outer(before[0], recurrent)
            grad_bias += recurrent
            grads = [0.0 if grad is None else grad for grad in through]
            grads[0] = grads[0] + kernel @ recurrent


def assert_equal_to_the_oracle(sample: Sample, *, reverse: bool) -> None:
    names = ("outputs", "table", "kernel", "bias")
    for name, found, expected in zip(
        names, sample.scan(reverse=reverse), sample.oracle(reverse=reverse), strict=True
    ):
        scale = max(1.0, np.abs(expected).max())
        np.testing.assert_allclose(found, expected, atol=TOLERANCE * scale, rtol=0, err_msg=name)


@settings(deadline=None, max_examples=60)
@given(
    cell=st.sampled_from(sorted(CELLS)),
    units=st.sampled_from([1, LANES - 1, LANES, LANES + 3, 3 * LANES]),
    lengths=st.lists(st.integers(1, 7), min_size=1, max_size=2 * loops.ROWS + 1),
    reverse=st.booleans(),
)
def test_any_sizes_agree_with_the_oracle(cell, units, lengths, reverse):
    assert_equal_to_the_oracle(Sample(cell, units, lengths), reverse=reverse)


@pytest.mark.parametrize("cell", CELLS)
def test_outputs_at_padding_are_zero_and_their_gradient_is_not_read(cell):
    sample = Sample(cell, 5, [4, 1, 3])
    expected = sample.scan(reverse=True)
    padding = np.arange(4)[:, np.newaxis] >= sample.lengths
    np.testing.assert_array_equal(expected[0][padding], 0.0)
    sample.grad_outputs[padding] = np.nan
    for found, wanted in zip(sample.scan(reverse=True), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


def _run(loop: Loop, sample: Sample) -> list[np.ndarray]:
    """Outputs, and the gradients of the recurrent product, the table and the bias; copies."""
    batch, positions = (sample.indices, sample.lengths), sample.indices.size
    outputs, *kept = loop.forward(*batch, sample.table, sample.kernel, sample.bias)
    results = loop.backward(*batch, np.int32(ROWS), sample.kernel, outputs, *kept, sample.grad_outputs)
    return [outputs[:positions].copy(), results[0][:positions].copy(), *map(np.copy, results[1:])]


@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize("threads", [2, 3, 40])
def test_a_batch_in_parts_gives_the_same(cell, threads):
    sample = Sample(cell, LANES, [5, 5, 4, 4, 4, 2, 1, 1, 1, 1, 3])
    whole, parts = (
        _run(Loop(cell, LANES, [True], threads=count, memory=Memory()), sample) for count in (1, threads)
    )
    for found, expected in zip(parts[:2], whole[:2], strict=True):
        np.testing.assert_array_equal(found, expected)
    for found, expected in zip(parts[2:], whole[2:], strict=True):  # summed in another order
        np.testing.assert_allclose(found, expected, atol=TOLERANCE, rtol=0)


@pytest.mark.parametrize("cell", CELLS)
def test_what_an_earlier_batch_left_in_memory_does_not_matter(cell):
    sample = Sample(cell, LANES, [2, 3, 1])
    poison = Sample(cell, LANES, [9] * 20)
    poison.table[:] = np.nan
    loop = Loop(cell, LANES, [False], threads=1, memory=Memory())
    expected = _run(Loop(cell, LANES, [False], threads=1, memory=Memory()), sample)
    _run(loop, poison)
    for found, wanted in zip(_run(loop, sample), expected, strict=True):
        np.testing.assert_array_equal(found, wanted)


@pytest.mark.parametrize("cell", CELLS)
def test_a_weight_that_is_no_number_shows(cell):
    sample = Sample(cell, 3, [2, 4])
    sample.kernel[1, 1] = np.nan
    assert np.isnan(sample.scan(reverse=False)[0]).any()


def test_the_machine_code_is_kept_on_disk_or_else_in_memory(monkeypatch):
    kept = []

    def njit(signature, *, nogil, cache=False):
        if cache:
            raise RuntimeError("cannot cache function: no locator available for file")
        kept.append((signature, nogil))
        return lambda function: function

    monkeypatch.setattr(loops, "njit", njit)
    assert loops._compiled(loops.int64)(len) is len
    assert kept == [(loops.void(loops.int64), True)]


COUNTS = """
from seqtrain.model.compiled.loops import loops
print([sum(loop.stats.cache_hits.values()) for loop in loops("rnn")])
"""


def test_the_next_process_finds_the_machine_code_on_disk(tmp_path):
    environment = {**os.environ, "NUMBA_CACHE_DIR": str(tmp_path)}
    found = [
        subprocess.run([sys.executable, "-c", COUNTS], env=environment, capture_output=True, text=True).stdout
        for _ in range(2)
    ]
    assert found == ["[0, 0]\n", "[1, 1]\n"]
