"""What must stay true of the ONNX model, for every cell and pooling, and the faults that these laws catch."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx
import onnxruntime
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import helper, numpy_helper

from seqtrain.inference.graph import build_onnx
from seqtrain.inference.quantization import quantized
from seqtrain.text.ngrams import Ngrams
from seqtrain.text.vocabulary import UNK
from tests import oracles
from tests.batches import batch
from tests.onnx_models import NGRAMS, SIZES, model_bytes, oracle_logits
from tests.shapes import POOLINGS, Shape

ORACLE_TOLERANCE = 5e-6  # logits of size one in float32, with onnxruntime's fast tanh, against float64
ENGINE_TOLERANCE = 1e-5  # probabilities, over hundreds of steps
COMPANY_TOLERANCE = 1e-6  # probabilities; another batch may be blocked differently in a matrix product

EVERY_SHAPE = [
    Shape(cell, pooling, bidirectional, layers)
    for cell in ("lstm", "gru", "rnn")
    for pooling in (*((name,) for name in POOLINGS), POOLINGS)
    for bidirectional in (True, False)
    for layers in (1, 2)
]
# Of a wide path: n-grams of every length, for two classes and for more.
WIDES = [
    {"ngrams": NGRAMS._replace(longest=longest, buckets=buckets), "classes": classes}
    for longest, buckets in ((1, 0), (2, 20), (3, 1), (4, 1000))
    for classes in (2, 3)
]
WIDE_SHAPES = [Shape(), Shape("gru", POOLINGS, layers=2), Shape("rnn", ("max",), bidirectional=False)]
LENGTHS = np.array(
    [1, 4, 12, 9, 12], np.int32
)  # one token, some padding, none; 12 are as many as a cut leaves

Run = Callable[[np.ndarray, np.ndarray], list[np.ndarray]]


def opened(model: bytes, *outputs: str) -> Run:
    """token_ids, lengths → these outputs, or logits and probabilities."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.log_severity_level = 4
    session = onnxruntime.InferenceSession(model, options)
    return lambda token_ids, lengths: session.run(
        outputs or ["logits", "probabilities"], {"token_ids": token_ids, "lengths": lengths}
    )


def some_texts(lengths: np.ndarray = LENGTHS) -> list[np.ndarray]:
    """Of these lengths, and one that is a single unknown word."""
    random = np.random.RandomState(6)
    texts = [random.randint(0, SIZES["vocabulary"], length) for length in lengths]
    return [np.array(text, np.int32) for text in (*texts, [UNK])]


# Laws: each takes a model and raises AssertionError where it does not hold.


def agrees_with_the_oracle(shape: Shape, model: bytes, **wide: Any) -> None:
    texts = some_texts()
    expected = oracle_logits(shape, texts, **wide)
    logits, probabilities = opened(model)(*batch(texts))
    np.testing.assert_allclose(logits, expected, atol=ORACLE_TOLERANCE, rtol=0)
    np.testing.assert_allclose(probabilities, oracles.softmax(expected), atol=ORACLE_TOLERANCE, rtol=0)


def uncalibrated_is_the_sum_without_scales(shape: Shape, model: bytes, **wide: Any) -> None:
    texts = some_texts()
    expected = oracle_logits(shape, texts, **wide, oracle=oracles.uncalibrated)
    (found,) = opened(model, "uncalibrated")(*batch(texts))
    np.testing.assert_allclose(found, expected, atol=ORACLE_TOLERANCE, rtol=0)


def padding_changes_nothing(shape: Shape, model: bytes, **wide: Any) -> None:
    run = opened(model)
    expected, _ = run(*batch(some_texts()))
    for more, padding in [(0, 7), (1, 0), (1, 7), (40, 0), (40, 7)]:
        logits, _ = run(*batch(some_texts(), more, padding))
        np.testing.assert_array_equal(logits, expected, err_msg=f"{more} more positions of id {padding}")
    for text in some_texts():
        np.testing.assert_array_equal(run(*batch([text], 1))[0], run(*batch([text]))[0])


def company_changes_nothing(shape: Shape, model: bytes, **wide: Any) -> None:
    run, texts = opened(model), some_texts()
    _, together = run(*batch(texts))
    _, backwards = run(*batch(texts[::-1]))
    alone = np.concatenate([run(*batch([text]))[1] for text in texts])
    np.testing.assert_allclose(backwards[::-1], together, atol=COMPANY_TOLERANCE, rtol=0)
    np.testing.assert_allclose(alone, together, atol=COMPANY_TOLERANCE, rtol=0)


LAWS = (agrees_with_the_oracle, padding_changes_nothing, company_changes_nothing)


@pytest.mark.parametrize("shape", EVERY_SHAPE, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_law(law, shape):
    law(shape, model_bytes(shape))


@pytest.mark.parametrize("wide", WIDES, ids=str)
@pytest.mark.parametrize("shape", WIDE_SHAPES, ids=str)
@pytest.mark.parametrize("law", LAWS)
def test_law_with_a_wide_path(law, shape, wide):
    law(shape, model_bytes(shape, **wide), **wide)


@pytest.mark.parametrize("wide", [{}, *WIDES], ids=str)
@pytest.mark.parametrize("shape", WIDE_SHAPES, ids=str)
def test_the_uncalibrated_logits(shape, wide):
    uncalibrated_is_the_sum_without_scales(shape, model_bytes(shape, **wide), **wide)


@pytest.mark.parametrize(
    ("shape", "wide"),
    [*((shape, {}) for shape in EVERY_SHAPE), *((shape, wide) for shape in WIDE_SHAPES for wide in WIDES)],
    ids=str,
)
def test_laws_hold_with_tables_of_whole_numbers(shape, wide):
    """That it computes what its numbers say, which the oracle is for, is for the tests of `inference.quantization`."""
    model = quantized(model_bytes(shape, **wide), "model.onnx")
    padding_changes_nothing(shape, model)
    company_changes_nothing(shape, model)


@pytest.mark.parametrize(("cell", "classes"), [("lstm", 3), ("gru", 2), ("rnn", 6)])
def test_laws_hold_at_ordinary_size(cell, classes):
    """Larger arrays go through other, vectorized and blocked, code in the engine than those of four units."""
    settings = {"cell": cell, "layers": 2, "bidirectional": True, "pooling": POOLINGS}
    sizes = {"vocabulary": 5000, "embedding": 70, "units": 65, "classes": classes}
    ngrams = Ngrams(2, sizes["vocabulary"], buckets=3000, cut_length=300, cut=150)
    weights = oracles.random_weights(5, **sizes, **settings) | {"output.scale": np.ones(1)}
    weights |= oracles.random_wide_weights(5, features=ngrams.features, classes=classes)
    weights = {name: 0.2 * weight for name, weight in weights.items()}  # as calm as trained ones
    run = opened(build_onnx(weights, **settings, metadata={}, ngrams=ngrams))
    random = np.random.RandomState(3)
    texts = [random.randint(0, sizes["vocabulary"], length).astype(np.int32) for length in (1, 150, 300, 33)]
    logits = [oracles.model(weights, text, ngrams._asdict(), **settings) for text in texts]
    expected = oracles.softmax(np.stack(logits))

    logits, probabilities = run(*batch(texts))

    np.testing.assert_allclose(probabilities, expected, atol=ENGINE_TOLERANCE, rtol=0)
    np.testing.assert_array_equal(run(*batch(texts, more=37, padding=4))[0], logits)
    for text, together in zip(texts, probabilities, strict=True):
        alone_logits, alone = run(*batch([text]))
        np.testing.assert_allclose(alone[0], together, atol=COMPANY_TOLERANCE, rtol=0)
        np.testing.assert_array_equal(run(*batch([text], more=37, padding=4))[0], alone_logits)


@pytest.fixture(scope="module")
def runs():
    shapes = [Shape(cell, POOLINGS, layers=2) for cell in ("lstm", "gru", "rnn")]
    return {shape: opened(model_bytes(shape, ngrams=NGRAMS)) for shape in shapes}


@settings(max_examples=60, deadline=None)
@given(
    cell=st.sampled_from(["lstm", "gru", "rnn"]),
    lengths=st.lists(st.integers(1, 30), min_size=1, max_size=9).map(np.array),
    more=st.integers(0, 70),
    padding=st.integers(0, SIZES["vocabulary"] - 1),
)
def test_no_lengths_and_no_padding_change_the_answer(runs, cell, lengths, more, padding):
    shape = Shape(cell, POOLINGS, layers=2)
    texts = some_texts(lengths)
    expected, _ = runs[shape](*batch(texts))
    logits, _ = runs[shape](*batch(texts, more, padding))
    np.testing.assert_array_equal(logits, expected)
    np.testing.assert_allclose(logits, oracle_logits(shape, texts, NGRAMS), atol=ORACLE_TOLERANCE, rtol=0)


# Planted faults: each changes the graph of a right model to what a careless builder might have written.


def nodes(model: onnx.ModelProto, *operators: str) -> list[onnx.NodeProto]:
    found = [node for node in model.graph.node if node.op_type in operators]
    assert found, f"no {operators} to plant a fault in"
    return found


def stored(model: onnx.ModelProto, name: str, value: object) -> str:
    model.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name


def add_first(model: onnx.ModelProto, operator: str, inputs: list[str], output: str, **attributes) -> str:
    model.graph.node.insert(0, helper.make_node(operator, inputs, [output], **attributes))
    return output


def replace_inputs(model: onnx.ModelProto, old: str, new: str) -> None:
    for node in model.graph.node:
        if new not in node.output:
            node.input[:] = [new if name == old else name for name in node.input]


def without_lengths(model):
    for node in nodes(model, "LSTM", "GRU", "RNN"):
        node.input[4] = ""


def mask_all_true(model):
    (less,) = nodes(model, "Less")
    less.op_type = "GreaterOrEqual"
    less.input[1] = stored(model, "zero", np.int32(0))


def nothing_masked(model):
    mask_all_true(model)
    without_lengths(model)


def mask_guessed_from_zeros(model):
    (less,) = nodes(model, "Less")
    (mask,) = less.output
    model.graph.node.remove(less)
    add_first(model, "Unsqueeze", ["guess", stored(model, "axes", np.array([1, 3]))], mask)
    add_first(model, "Cast", ["by_time"], "guess", to=onnx.TensorProto.BOOL)
    add_first(model, "Transpose", ["token_ids"], "by_time", perm=[1, 0])


def max_over_zeros(model):
    (reduce,) = nodes(model, "ReduceMax")
    (where,) = (node for node in nodes(model, "Where") if node.output[0] == reduce.input[0])
    where.input[2] = stored(model, "zero", np.float32(0))


def mean_divided_by_padded_time(model):
    (divide,), (steps,) = nodes(model, "Div"), nodes(model, "Range")
    (divisor,) = (node for node in model.graph.node if node.output[0] == divide.input[1])
    divisor.op_type = "Cast"
    divisor.input[:] = [steps.input[1]]
    divisor.attribute.append(helper.make_attribute("to", onnx.TensorProto.FLOAT))


def lengths_too_short_by_one(model):
    replace_inputs(model, "lengths", "shortened")
    one = stored(model, "one", np.int32(1))
    add_first(model, "Max", ["less_one", one], "shortened")
    add_first(model, "Sub", ["lengths", one], "less_one")


def mask_too_long_by_one(model):
    (less,) = nodes(model, "Less")
    less.op_type = "LessOrEqual"


def last_position_for_last(model):
    (recurrence,) = nodes(model, "LSTM")
    outputs, last = recurrence.output
    (reader,) = (node for node in model.graph.node if last in node.input)
    take = helper.make_node("Gather", [outputs, stored(model, "end", np.int64(-1))], ["at_end"], axis=0)
    model.graph.node.insert(list(model.graph.node).index(reader), take)
    reader.input[0] = "at_end"


def reset_before_the_product(model):
    for node in nodes(model, "GRU"):
        (attribute,) = (one for one in node.attribute if one.name == "linear_before_reset")
        attribute.i = 0


def lstm_gates_in_keras_order(model):
    for array in model.graph.initializer:
        if array.name in ("layer_0.W", "layer_0.R"):
            gates = np.split(numpy_helper.to_array(array), 4, axis=1)
            keras = np.concatenate([gates[gate] for gate in (0, 2, 3, 1)], axis=1)
            array.CopyFrom(numpy_helper.from_array(keras, array.name))


def directions_exchanged(model):
    for array in model.graph.initializer:
        if array.name.startswith("layer_0."):
            array.CopyFrom(numpy_helper.from_array(numpy_helper.to_array(array)[::-1].copy(), array.name))


def replace_array(model, name, change):
    for array in model.graph.initializer:
        if array.name == name:
            array.CopyFrom(numpy_helper.from_array(change(numpy_helper.to_array(array)), name))


def network_not_scaled(model):
    replace_array(model, "output.scale", np.ones_like)


def wide_path_not_scaled(model):
    replace_array(model, "wide.scale", np.ones_like)


def scaled_before_the_sum(model):
    """What is uncalibrated gets the inputs of the logits."""
    uncalibrated, logits = nodes(model, "Sum")
    place = list(model.graph.node).index(logits)
    model.graph.node.insert(place, helper.make_node("Sum", logits.input, uncalibrated.output))
    model.graph.node.remove(uncalibrated)


def network_alone_uncalibrated(model):
    uncalibrated, _ = nodes(model, "Sum")
    del uncalibrated.input[1:]


def ngrams_over_padding(model):
    compared = [node for node in nodes(model, "LessOrEqual") if node.input[1] == "lengths"]
    for node in compared:
        node.input[1] = "endless"
    stored(model, "endless", np.int32(2**31 - 1))


def ngrams_over_the_cut(model):
    replace_array(model, "wide.cut", np.zeros_like)


def texts_of_every_length_cut(model):
    (equal,) = (node for node in nodes(model, "Equal") if node.input[0] == "lengths")
    equal.op_type = "LessOrEqual"


def start_forgotten(model):
    """There stands an unknown word, and what has one does not count."""
    (pad,) = (node for node in nodes(model, "Pad") if node.input[0].startswith("cast"))
    pad.input[2] = stored(model, "unknown", np.int64(UNK))


def start_is_zero(model):
    (pad,) = (node for node in nodes(model, "Pad") if node.input[0].startswith("cast"))
    pad.input[2] = stored(model, "nothing", np.int64(0))


def unknown_words_counted(model):
    for node in nodes(model, "Equal"):
        if node.input[0] != "lengths":
            node.input[1] = stored(model, f"{node.output[0]}.none", np.int64(-1))


def ngrams_counted_as_often_as_they_occur(model):
    (before,) = (node for node in nodes(model, "Less") if node.input[0].startswith("slice"))
    before.input[0] = stored(model, "lowest", np.int64(-1))


def hashed_in_32_bits(model):
    for node in nodes(model, "Mod"):
        if not node.input[1].startswith("sub"):  # that by the prime, not that by the number of buckets
            narrow, wide = f"{node.output[0]}.narrow", f"{node.output[0]}.wide"
            place = list(model.graph.node).index(node)
            cast = helper.make_node("Cast", [node.input[0]], [narrow], to=onnx.TensorProto.INT32)
            back = helper.make_node("Cast", [narrow], [wide], to=onnx.TensorProto.INT64)
            model.graph.node.insert(place, back)
            model.graph.node.insert(place, cast)
            node.input[0] = wide


def classes_exchanged(model):
    for array in model.graph.initializer:
        if numpy_helper.to_array(array).tolist() == [-0.5, 0.5]:
            replace_array(model, array.name, np.negative)


def odds_for_probabilities(model):
    """Of more than two classes: the log-odds themselves, not the logarithms of the probabilities."""
    for node in nodes(model, "LogSoftmax"):
        node.op_type = "Identity"
        del node.attribute[:]


FAULTS = [
    (without_lengths, Shape(), LAWS),
    (without_lengths, Shape("gru", ("last",), bidirectional=False), LAWS),
    (without_lengths, Shape("rnn", ("max",)), LAWS),
    (nothing_masked, Shape(), LAWS),
    (nothing_masked, Shape(bidirectional=False), LAWS),
    (mask_all_true, Shape(pooling=("max",)), LAWS),
    (mask_all_true, Shape(pooling=("attention",)), LAWS),
    (
        mask_guessed_from_zeros,
        Shape(pooling=("attention",)),
        [agrees_with_the_oracle, padding_changes_nothing],
    ),
    (max_over_zeros, Shape(pooling=("max",)), LAWS),
    (mean_divided_by_padded_time, Shape(), LAWS),
    (lengths_too_short_by_one, Shape(), [agrees_with_the_oracle]),
    (lengths_too_short_by_one, Shape(pooling=("last",)), [agrees_with_the_oracle]),
    (mask_too_long_by_one, Shape(pooling=("max",)), LAWS),
    (mask_too_long_by_one, Shape(pooling=("attention",)), LAWS),
    (last_position_for_last, Shape(pooling=("last",)), LAWS),
    (reset_before_the_product, Shape("gru"), [agrees_with_the_oracle]),
    (lstm_gates_in_keras_order, Shape(), [agrees_with_the_oracle]),
    (directions_exchanged, Shape("rnn", ("mean",)), [agrees_with_the_oracle]),
]


@pytest.mark.parametrize(
    ("fault", "shape", "law"),
    [(fault, shape, law) for fault, shape, laws in FAULTS for law in laws],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_planted_fault_breaks_the_law(fault, shape, law):
    faulty = onnx.load_from_string(model_bytes(shape))
    fault(faulty)
    with pytest.raises(AssertionError, match=r"Not equal to tolerance|Arrays are not equal"):
        law(shape, faulty.SerializeToString())


TWO, THREE = ({"ngrams": NGRAMS, "classes": classes} for classes in (2, 3))
WIDE_FAULTS = [
    (network_not_scaled, {}, agrees_with_the_oracle),
    (network_not_scaled, TWO, agrees_with_the_oracle),
    (wide_path_not_scaled, THREE, agrees_with_the_oracle),
    (scaled_before_the_sum, {}, uncalibrated_is_the_sum_without_scales),
    (scaled_before_the_sum, TWO, uncalibrated_is_the_sum_without_scales),
    (network_alone_uncalibrated, THREE, uncalibrated_is_the_sum_without_scales),
    (ngrams_over_padding, TWO, agrees_with_the_oracle),
    (ngrams_over_padding, TWO, padding_changes_nothing),
    (ngrams_over_padding, THREE, company_changes_nothing),
    (ngrams_over_the_cut, TWO, agrees_with_the_oracle),
    (texts_of_every_length_cut, TWO, agrees_with_the_oracle),
    (start_forgotten, TWO, agrees_with_the_oracle),
    (start_is_zero, TWO, agrees_with_the_oracle),
    (unknown_words_counted, TWO, agrees_with_the_oracle),
    (ngrams_counted_as_often_as_they_occur, THREE, agrees_with_the_oracle),
    (hashed_in_32_bits, TWO, agrees_with_the_oracle),
    (classes_exchanged, TWO, agrees_with_the_oracle),
    (odds_for_probabilities, THREE, agrees_with_the_oracle),
]


@pytest.mark.parametrize(
    ("fault", "wide", "law"), WIDE_FAULTS, ids=lambda value: getattr(value, "__name__", str(value))
)
def test_planted_fault_in_a_wide_path_breaks_the_law(fault, wide, law):
    faulty = onnx.load_from_string(model_bytes(Shape(), **wide))
    fault(faulty)
    with pytest.raises(AssertionError, match=r"Not equal to tolerance|Arrays are not equal"):
        law(Shape(), faulty.SerializeToString(), **wide)
