"""Model files as a stranger might forge them: each is a good one, but for one thing.

`MODELS` has a function that makes the bytes, and what must be said of them (a regular expression).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

from seqtrain.inference.metadata import KEY, MOST_BYTES, RULE_KEY
from seqtrain.inference.quantization import quantized
from seqtrain.text.ngrams import MULTIPLIER
from tests.onnx_models import LABELS, METADATA, NGRAMS, TOKENIZER, VOCABULARY, model_bytes
from tests.shapes import Shape

GOOD = model_bytes(Shape())
INT8 = quantized(model_bytes(Shape(), ngrams=NGRAMS), "model.onnx")
SPARE = model_bytes(Shape("rnn"))  # it has a Pad
WIDE = model_bytes(Shape(), ngrams=NGRAMS)
TWO = model_bytes(Shape(), ngrams=NGRAMS, classes=2)

Forge = Callable[[], bytes]
Change = Callable[[onnx.ModelProto], object]


def changed(change: Change, model: bytes = GOOD) -> Forge:
    def forge() -> bytes:
        proto = onnx.load_from_string(model)
        change(proto)
        return bytes(proto.SerializeToString())

    return forge


def node(proto: onnx.ModelProto, operator: str) -> onnx.NodeProto:
    return next(node for node in proto.graph.node if node.op_type == operator)


def array(proto: onnx.ModelProto, name: str) -> onnx.TensorProto:
    return next(array for array in proto.graph.initializer if array.name == name)


def stored(proto: onnx.ModelProto, value: object, name: str = "forged") -> str:
    proto.graph.initializer.append(numpy_helper.from_array(np.asarray(value), name))
    return name


def with_nodes(*nodes: onnx.NodeProto, **arrays: object) -> Forge:
    """The nodes come first; what they compute, nobody reads: a runtime may do so all the same, once and for all."""

    def change(proto: onnx.ModelProto) -> None:
        for name, value in arrays.items():
            stored(proto, value, name)
        for place, one in enumerate(nodes):
            proto.graph.node.insert(place, one)

    return changed(change)


def with_number(name: str, operator: str, place: int, value: object, model: bytes = GOOD) -> Forge:
    """Another constant for an input of an operator; name: of what is forged."""

    def change(proto: onnx.ModelProto) -> None:
        node(proto, operator).input[place] = stored(proto, value, name)

    return changed(change, model)


def with_constant(operator: str, place: int, value: object, model: bytes = GOOD) -> Forge:
    """Another value under the same name."""

    def change(proto: onnx.ModelProto) -> None:
        constant = array(proto, node(proto, operator).input[place])
        constant.CopyFrom(numpy_helper.from_array(np.asarray(value), constant.name))

    return changed(change, model)


def with_array(name: str = "embedding", model: bytes = GOOD, **fields: object) -> Forge:
    """Other fields for an array."""

    def change(proto: onnx.ModelProto) -> None:
        for field, value in fields.items():
            array(proto, name).ClearField(field)
            if isinstance(value, list):
                getattr(array(proto, name), field).extend(value)
            else:
                setattr(array(proto, name), field, value)

    return changed(change, model)


def replace(proto: onnx.ModelProto, old: np.generic, new: np.generic) -> None:
    """Another value for a constant, wherever it stands."""
    for one in proto.graph.initializer:
        if one.data_type == TensorProto.INT64 and numpy_helper.to_array(one).tolist() == old.item():
            one.CopyFrom(numpy_helper.from_array(np.asarray(new), one.name))


def of_other_classes(proto: onnx.ModelProto) -> None:
    """The network and the outputs are for three, the graph of the wide path is for two."""
    other = onnx.load_from_string(WIDE)
    for name in ("output.kernel", "output.bias"):
        array(proto, name).CopyFrom(array(other, name))
    for place, output in enumerate(other.graph.output):
        proto.graph.output[place].CopyFrom(output)


def of_value(value: float) -> Forge:
    def change(proto: onnx.ModelProto) -> None:
        bias = array(proto, "output.bias")
        bias.CopyFrom(numpy_helper.from_array(np.array([0, value, 0], np.float32), bias.name))

    return changed(change)


def external(location: str) -> Forge:
    def change(proto: onnx.ModelProto) -> None:
        embedding = array(proto, "embedding")
        embedding.data_location = TensorProto.EXTERNAL
        embedding.external_data.add(key="location", value=location)
        embedding.ClearField("raw_data")

    return changed(change)


def subgraph(operator: str, attribute: str) -> Forge:
    body = helper.make_graph([], "body", [], [])
    return with_nodes(helper.make_node(operator, ["lengths"], ["forged"], **{attribute: body}))


def function(domain: str, name: str) -> Forge:
    body = [helper.make_node("Identity", ["x"], ["y"])]
    imports = [helper.make_opsetid("", 17)]
    return changed(
        lambda proto: proto.functions.append(helper.make_function(domain, name, ["x"], ["y"], body, imports))
    )


def sparse(proto: onnx.ModelProto) -> None:
    values = numpy_helper.from_array(np.ones(1, np.float32), "forged")
    indices = numpy_helper.from_array(np.zeros(1, np.int64), "indices")
    proto.graph.sparse_initializer.append(helper.make_sparse_tensor(values, indices, [2**40]))


def doubling() -> Forge:
    """Sixty nodes that hold 2^60 numbers."""
    names = [f"forged_{number}" for number in range(61)]
    doubles = [helper.make_node("Concat", [old, old], [new], axis=0) for old, new in pairwise(names)]
    return with_nodes(*doubles, forged_0=np.ones(1, np.float32))


def metadata(content: bytes | str) -> Forge:
    text = content.decode("utf-8", "surrogateescape") if isinstance(content, bytes) else content
    return lambda: model_bytes(Shape(), {**METADATA, KEY: text})


def with_entries(**entries: object) -> Forge:
    return metadata(json.dumps({**json.loads(METADATA[KEY]), **entries}))


def with_rule(**settings: object) -> Forge:
    return with_entries(tokenizer={**TOKENIZER.rule(), **settings})


def with_key_twice() -> bytes:
    return model_bytes(Shape(), {**METADATA, KEY: METADATA[KEY].replace("{", '{"format":5,', 1)})


def with_entry_twice(proto: onnx.ModelProto) -> None:
    proto.metadata_props.add(key=KEY, value=METADATA[KEY])


def field(number: int, content: bytes) -> bytes:
    """A protocol buffer's field of bytes."""
    return varint(number << 3 | 2) + varint(len(content)) + content


def varint(value: int) -> bytes:
    return bytes([value & 0x7F | 0x80]) + varint(value >> 7) if value > 0x7F else bytes([value])


def replaced(old: bytes, new: bytes) -> Forge:
    assert old in GOOD
    assert len(old) == len(new)
    return lambda: GOOD.replace(old, new)


NODE = helper.make_node
BYTES: dict[str, tuple[Forge, str]] = {
    "empty": (lambda: b"", "not of version 8 of ONNX"),
    "a text": (lambda: b"no model at all", "no model"),
    "zeros": (lambda: bytes(1000), "an unknown field, 0"),
    "all ones": (lambda: b"\xff" * 1000, "cut short, or no model file"),
    "half": (lambda: GOOD[: len(GOOD) // 2], "cut short"),
    "without the last byte": (lambda: GOOD[:-1], "cut short"),
    "one byte more": (lambda: GOOD + b"\0", "cut short"),
    "twice": (lambda: GOOD + GOOD, "ir_version is there twice"),
    "a length beyond the file": (lambda: b"\x3a" + varint(2**62) + GOOD, "cut short"),
    "a graph beyond its field": (lambda: field(7, b"\x0a\x7f"), "cut short"),
    "an endless number": (lambda: b"\x08" + b"\x80" * 1_000_000, "cut short"),
    "a group": (lambda: b"\x0b" * 1_000_000, "no model"),
    "an unknown field": (lambda: GOOD + field(99, b""), "an unknown field, 99"),
    "a document of 100 MB": (lambda: GOOD + field(6, bytes(10**8)), "an unknown field, 6"),
    "a name of 100 MB": (lambda: field(2, "é".encode() * (5 * 10**7)), "producer has 100,000,000 bytes"),
    "a name that is no text": (lambda: field(2, b"\xff"), "can't decode byte"),
    "a million nodes": (lambda: field(7, field(1, b"") * 1_000_000), "too many parts"),
    "a million entries": (lambda: field(14, b"") * 1_000_000, "too many parts"),
    "no graph": (changed(lambda proto: proto.ClearField("graph")), "has no graph"),
    "a kind that is another": (lambda: GOOD + b"\x70\x01", "metadata is of another kind"),
}
VERSIONS: dict[str, tuple[Forge, str]] = {
    "another opset": (changed(lambda proto: setattr(proto.opset_import[0], "version", 18)), "version 17"),
    "no opset": (changed(lambda proto: proto.ClearField("opset_import")), "version 17"),
    "two opsets": (
        changed(lambda proto: proto.opset_import.add(domain="com.microsoft", version=1)),
        "version 17",
    ),
    "another format": (changed(lambda proto: setattr(proto, "ir_version", 3)), "version 8 of ONNX"),
}
GRAPHS: dict[str, tuple[Forge, str]] = {
    "custom operator": (
        with_nodes(NODE("Gelu", ["lengths"], ["forged"], domain="com.microsoft")),
        "an operator of another domain",
    ),
    "If": (subgraph("If", "then_branch"), "a subgraph"),
    "Loop": (subgraph("Loop", "body"), "a subgraph"),
    "Scan": (subgraph("Scan", "body"), "a subgraph"),
    "a list of subgraphs": (
        with_nodes(NODE("If", ["lengths"], ["forged"], branches=[helper.make_graph([], "body", [], [])])),
        "a subgraph",
    ),
    "a function": (function("mine", "Forged"), "a function"),
    "a function named as an operator": (function("", "Softmax"), "a function"),
    "training": (changed(lambda proto: proto.training_info.add()), "training information"),
    "a constant of 1 GB": (
        with_nodes(NODE("Constant", [], ["forged"], value=TensorProto(data_type=1, dims=[2**28]))),
        "a tensor in an attribute",
    ),
    "a list of a million": (
        with_nodes(NODE("Constant", [], ["forged"], value_ints=[1] * 1_000_000)),
        "too many parts",
    ),
    "ConstantOfShape": (with_nodes(NODE("ConstantOfShape", ["size"], ["forged"]), size=[2**40]), "its graph"),
    "Expand": (with_nodes(NODE("Expand", ["size", "size"], ["forged"]), size=[2**40]), "its graph"),
    "Tile": (with_nodes(NODE("Tile", ["size", "size"], ["forged"]), size=[2**40]), "its graph"),
    "Range": (
        with_nodes(NODE("Range", ["begin", "end", "step"], ["forged"]), begin=0, end=2**40, step=1),
        "its graph",
    ),
    "an outer product": (
        with_nodes(
            NODE("Mul", ["row", "column"], ["forged"]), row=np.ones((1, 10**5)), column=np.ones((10**5, 1))
        ),
        "its graph",
    ),
    "doubling": (doubling(), "its graph"),
    "a longer range": (with_number("forged", "Range", 1, np.int32(2**31 - 1)), "its graph"),
    "a shorter step": (with_constant("Range", 2, np.int32(0)), "has another value"),
    "much padding": (with_constant("Pad", 1, [0, 0, 2**40, 0], SPARE), "has another value"),
    "another type": (with_constant("Range", 0, np.float32(0)), r"is not int32 \[\]"),
    "another number of axes": (with_constant("Unsqueeze", 1, [1, 2, 3, 4]), r"is not int64 \[3\]"),
    "texts": (changed(lambda proto: setattr(node(proto, "Cast").attribute[0], "i", 8)), "its graph"),
    "more units": (
        changed(lambda proto: setattr(node(proto, "LSTM").attribute[1], "i", 2**40)),
        "is not float32",
    ),
    "no units": (changed(lambda proto: setattr(node(proto, "LSTM").attribute[1], "i", 0)), "its graph"),
    "an attribute of another type": (
        changed(lambda proto: setattr(node(proto, "LSTM").attribute[1], "s", b"4")),
        "of another type than it says",
    ),
    "an attribute twice": (
        changed(lambda proto: node(proto, "Softmax").attribute.append(helper.make_attribute("axis", 0))),
        "its graph",
    ),
    "no nodes": (changed(lambda proto: proto.graph.ClearField("node")), "its graph"),
    "nodes in another order": (
        changed(lambda proto: proto.graph.node.append(proto.graph.node.pop(0))),
        "its graph",
    ),
    "a node less": (changed(lambda proto: proto.graph.node.pop()), "its graph"),
    "a pooling twice": (changed(lambda proto: node(proto, "Concat").input.append("forged")), "its graph"),
    "another input": (
        changed(lambda proto: proto.graph.input.append(helper.make_tensor_value_info("more", 1, [1]))),
        "its inputs and outputs",
    ),
    "an input of texts": (
        changed(lambda proto: setattr(proto.graph.input[0].type.tensor_type, "elem_type", 8)),
        "its inputs and outputs",
    ),
    "an output less": (changed(lambda proto: proto.graph.output.pop()), "its inputs and outputs"),
    "a sequence as an input": (
        changed(lambda proto: proto.graph.input[0].type.sequence_type.SetInParent()),
        "an unknown field, 4",
    ),
}
ARRAYS: dict[str, tuple[Forge, str]] = {
    "wrong shape": (with_array(dims=[5, 12]), "is not float32"),
    "huge shape": (with_array(dims=[2**40, 5]), "has another number of bytes"),
    "shape whose bytes overflow": (with_array("output.bias", dims=[2**62 + 3]), "inputs and outputs"),
    "negative shape": (with_array(dims=[-12, 5]), "has another number of bytes"),
    "shape with zero": (with_array(dims=[0, 5], raw_data=b""), "no content"),
    "a thousand axes": (with_array(dims=[1] * 1000), "another number of axes"),
    "more rows than words": (
        changed(
            lambda proto: array(proto, "embedding").CopyFrom(
                numpy_helper.from_array(np.zeros((13, 5), np.float32), "embedding")
            )
        ),
        "lists 12 words, and its arrays are for 13",
    ),
    "short content": (with_array(raw_data=bytes(4 * 59)), "has another number of bytes"),
    "long content": (with_array(raw_data=bytes(4 * 61)), "has another number of bytes"),
    "no content": (with_array(raw_data=b""), "has another number of bytes"),
    "content in another field": (with_array(raw_data=b"", float_data=[0.0] * 60), "an unknown field, 4"),
    "texts": (with_array(data_type=8, string_data=[b"x"] * 60), "an array of texts"),
    "half precision": (with_array(data_type=10, raw_data=bytes(120)), "is not float32"),
    "double precision": (with_array(data_type=11, raw_data=bytes(480)), "is not float32"),
    "whole numbers": (with_array(data_type=6), "is not float32"),
    "a secret file": (external("../secret"), "an array in another file"),
    "another file": (external("weights.bin"), "an array in another file"),
    "a location that is the default": (with_array(data_location=0), "an array in another file"),
    "a name that climbs": (replaced(b"layer_0.W", b"../../../"), "arrays are not those|its graph"),
    "an array twice": (
        changed(lambda proto: proto.graph.initializer.append(proto.graph.initializer[0])),
        "not those",
    ),
    "an array less": (changed(lambda proto: proto.graph.initializer.pop(0)), "arrays are not those"),
    "an array more": (changed(lambda proto: stored(proto, [1.0])), "arrays are not those"),
    "a sparse array": (changed(sparse), "a sparse tensor"),
    "another type of table": (with_array(data_type=3), "is not float32"),
    "floats in a small table": (with_array(data_type=1, model=INT8), "is not int8"),
    "a scale that is none": (
        with_array("embedding.scale", model=INT8, raw_data=b"\0\0\x80\x7f" * 12),
        "embedding.scale has numbers that are not finite",
    ),
    "scales in another shape": (with_array("embedding.scale", model=INT8, dims=[12]), "is not float32"),
    "a small table without scales": (
        changed(lambda proto: proto.graph.initializer.remove(array(proto, "embedding.scale")), INT8),
        "arrays are not those",
    ),
    "not a number": (of_value(np.nan), "output.bias has numbers that are not finite"),
    "infinity": (of_value(np.inf), "output.bias has numbers that are not finite"),
}
FITS = "wide.table does not fit 12 words and"
WIDES: dict[str, tuple[Forge, str]] = {
    "another multiplier": (
        changed(lambda proto: replace(proto, np.int64(MULTIPLIER), np.int64(3)), WIDE),
        "has another value",
    ),
    "a prime of zero": (with_constant("Mod", 1, np.int64(0), WIDE), "has another value"),
    "more positions": (with_constant("Pad", 1, np.array([2**40, 0]), WIDE), "has another value"),
    "another number for none": (
        changed(lambda proto: replace(proto, np.int64(2**63 - 1), np.int64(5)), WIDE),
        "has another value",
    ),
    "a sort of more than there are": (with_number("forged", "TopK", 1, np.array([2**40]), WIDE), "its graph"),
    "the largest first": (
        changed(lambda proto: setattr(node(proto, "TopK").attribute[1], "i", 1), WIDE),
        "its graph",
    ),
    "n-grams of each length twice": (
        changed(lambda proto: node(proto, "Concat").input.extend(node(proto, "Concat").input), WIDE),
        "its graph",
    ),
    "a thousand lengths": (
        changed(lambda proto: node(proto, "Concat").input.extend(["forged"] * 1000), WIDE),
        "its graph",
    ),
    "no buckets": (with_array("wide.table", WIDE, dims=[12, 3], raw_data=bytes(144)), FITS),
    "fewer rows than words": (with_array("wide.table", WIDE, dims=[5, 3], raw_data=bytes(60)), FITS),
    "a huge table": (with_array("wide.table", WIDE, dims=[2**40, 3]), "has another number of bytes"),
    "a table of no rows": (with_array("wide.table", WIDE, dims=[0, 3], raw_data=b""), "no content"),
    "a table of one axis": (with_array("wide.table", WIDE, dims=[96]), "another number of axes"),
    "columns of another number": (with_array("wide.table", WIDE, dims=[48, 2]), "wide.table is not float32"),
    "a column for each of two": (with_array("wide.table", TWO, dims=[16, 2]), "wide.table is not float32"),
    "one column for three": (changed(of_other_classes, TWO), FITS),
    "a table that is not finite": (
        with_array("wide.table", WIDE, raw_data=b"\0\0\x80\x7f" * 96),
        "wide.table has numbers that are not finite",
    ),
    "a table of doubles": (with_array("wide.table", WIDE, data_type=11), "wide.table is not float32"),
    "a cut of one number": (
        with_array("wide.cut", WIDE, dims=[1], raw_data=bytes(4)),
        "wide.cut is not int32",
    ),
    "a cut of fractions": (with_array("wide.cut", WIDE, data_type=1), "wide.cut is not int32"),
    "a scale for each class": (
        with_array("wide.scale", WIDE, dims=[3], raw_data=bytes(12)),
        "wide.scale is not float32",
    ),
    "a scale that is none": (
        with_array("output.scale", WIDE, raw_data=b"\0\0\xc0\x7f"),
        "output.scale has numbers that are not finite",
    ),
}
CONTENT: dict[str, tuple[Forge, str]] = {
    "none": (lambda: model_bytes(Shape(), {}), "carries no labels and no vocabulary"),
    "another key": (lambda: model_bytes(Shape(), {"other": "{}"}), "have other entries"),
    "one key more": (lambda: model_bytes(Shape(), {**METADATA, "other": "{}"}), "have other entries"),
    "100 MB": (lambda: model_bytes(Shape(), {KEY: " " * 10**8}), "100,000,000 bytes, more than"),
    "100 MB elsewhere": (lambda: model_bytes(Shape(), {**METADATA, "x": " " * 10**8}), "have other entries"),
    "16 MB of brackets": (lambda: model_bytes(Shape(), {KEY: "[" * MOST_BYTES}), "brackets"),
    "16 MB of lists": (
        lambda: model_bytes(Shape(), {KEY: "[" + "[]," * (MOST_BYTES // 3 - 1) + "1]"}),
        "more than 262,144 brackets",
    ),
    "16 MB of short texts": (
        lambda: model_bytes(Shape(), {KEY: "[" + '"ab",' * (MOST_BYTES // 5 - 1) + "1]"}),
        "not a JSON object",
    ),
    "an entry twice": (changed(with_entry_twice), "have other entries"),
    "a key twice": (with_key_twice, "an object has a key twice"),
    "cut short": (metadata(METADATA[KEY][:-1]), "Expecting ',' delimiter"),
    "a list": (metadata("[1]"), "not a JSON object"),
    "a number that is none": (with_entries(format=float("nan")), "NaN is not a finite number"),
    "another version": (with_entries(format=1), "their format is 1"),
    "no card": (with_entries(card=None), "card is not an object"),
    "other tables": (
        lambda: model_bytes(Shape(), {**METADATA, RULE_KEY: METADATA[RULE_KEY].replace("a", "b", 1)}),
        "tables of the tokenizer's rule are not those",
    ),
    "no tables": (lambda: model_bytes(Shape(), {KEY: METADATA[KEY]}), "tables of the tokenizer's rule"),
    "a deep version": (metadata('{"format":' + "[" * 900 + "]" * 900 + "}"), r"their format is \[\["),
    "a label less": (with_entries(labels=LABELS[:2]), "lists 2 labels, and its arrays are for 3"),
    "a label more": (with_entries(labels=[*LABELS, "more"]), "lists 4 labels, and its arrays are for 3"),
    "a label twice": (with_entries(labels=["a", "b", "a"]), "labels has an entry twice"),
    "a label of two lines": (with_entries(labels=["a", "b\nc", "d"]), "control character"),
    "a label with a tab": (with_entries(labels=["a", "b\tc", "d"]), "control character"),
    "a label that moves the cursor": (with_entries(labels=["a", "b\x1b[2J", "d"]), "control character"),
    "a label that is half a character": (with_entries(labels=["a", "\ud800", "d"]), "surrogates"),
    "an empty label": (with_entries(labels=["a", "", "d"]), "empty entry"),
    "labels that are numbers": (with_entries(labels=[1, 2, 3]), "not a list of texts"),
    "a word less": (with_entries(vocabulary=VOCABULARY.tokens[:-1]), "lists 11 words, and its arrays are for 12"),
    "a word more": (with_entries(vocabulary=[*VOCABULARY.tokens, "x"]), "lists 13 words"),
    "a word with a tab": (with_entries(vocabulary=[*VOCABULARY.tokens[:-1], "a\tb"]), "control character"),
    "the first words": (with_entries(vocabulary=VOCABULARY.tokens[::-1]), "does not begin with <pad>"),
    "a tokenizer with a long text": (with_rule(kind="x" * 10_000), "tokenizer is not an object of short"),
    "a deep tokenizer": (with_rule(kind=json.loads("[" * 500 + "]" * 500)), "tokenizer is not an object"),
    "an unknown tokenizer": (with_rule(kind="bytes"), "tokenizer rule is damaged"),
    "a tokenizer of no words": (with_rule(max_length=0), "tokenizer rule is damaged"),
}  # fmt: skip
MODELS = {
    f"{group}: {name}": case
    for group, cases in {
        "bytes": BYTES,
        "versions": VERSIONS,
        "graph": GRAPHS,
        "arrays": ARRAYS,
        "wide path": WIDES,
        "metadata": CONTENT,
    }.items()
    for name, case in cases.items()
}
