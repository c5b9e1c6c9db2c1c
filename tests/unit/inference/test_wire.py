"""Protocol buffers, against the library that onnx writes them with."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, TensorShapeProto

from seqtrain.inference.wire import Decoder, Field, Refused

TENSOR = {
    1: Field("dims", int, many=True),
    2: Field("data_type", int),
    8: Field("name", str),
    9: Field("raw_data", bytes),
    13: Refused("external data"),
}
DIMENSION = {1: Field("dim_value", int), 2: Field("dim_param", str)}
SHAPE = {1: Field("dim", DIMENSION, many=True)}

names = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
tensors = st.builds(
    TensorProto,
    dims=st.lists(st.integers(0, 2**63 - 1)),
    data_type=st.integers(0, 2**31 - 1),
    name=names,
    raw_data=st.binary(),
)


def decode(message, schema, most_fields=1000):
    return Decoder(most_fields).decode(memoryview(message), schema)


@settings(deadline=None)
@given(tensors)
def test_fields_are_those_of_the_library(tensor):
    assert decode(tensor.SerializeToString(), TENSOR) == {
        "dims": list(tensor.dims),
        "data_type": tensor.data_type,
        "name": tensor.name,
        "raw_data": tensor.raw_data,
    }


@settings(deadline=None)
@given(st.lists(st.integers(0, 2**63 - 1) | names))
def test_messages_in_messages(sizes):
    shape = TensorShapeProto()
    for size in sizes:
        shape.dim.add(**{"dim_value" if isinstance(size, int) else "dim_param": size})
    expected = [
        {"dim_value": size, "dim_param": None}
        if isinstance(size, int)
        else {"dim_value": None, "dim_param": size}
        for size in sizes
    ]
    assert decode(shape.SerializeToString(), SHAPE) == {"dim": expected}


def test_what_is_missing_is_none_or_empty():
    assert decode(b"", TENSOR) == {"dims": [], "data_type": None, "name": None, "raw_data": None}


def test_content_is_not_copied():
    message = bytearray(TensorProto(raw_data=b"abc").SerializeToString())
    content = decode(message, TENSOR)["raw_data"]
    message[-1] = ord("d")
    assert content == b"abd"


@pytest.mark.parametrize(
    ("message", "reason"),
    [
        (b"\x6a\x00", "there is external data"),
        (b"\x7a\x00", "an unknown field, 15"),
        (b"\x10\x01\x10\x01", "data_type is there twice"),
        (b"\x12\x00", "data_type is of another kind"),
        (b"\x40\x01", "name is of another kind"),
        (b"\x42\x02a", "cut short"),
        (b"\x42", "cut short"),
        (b"\x10\x80", "cut short"),
        (b"\x10" + b"\x80" * 10 + b"\x01", "cut short"),
        (b"\x15\x00\x00\x00\x00", "no model file"),
        (b"\x11" + bytes(8), "no model file"),
        (b"\x42\x01\xff", "can't decode byte"),
        (b"\x42\xe9\x07" + b"a" * 1001, "name has 1,001 bytes"),
        (b"\x08\x01" * 11, "too many parts"),
    ],
)
def test_what_no_schema_allows_is_refused(message, reason):
    with pytest.raises(ValueError, match=reason):
        decode(message, TENSOR, most_fields=10)


@settings(deadline=None, max_examples=300)
@given(st.binary(max_size=50))
def test_any_bytes_are_a_message_or_refused(message):
    """And what is one, the library reads in the same way."""
    try:
        values = decode(message, TENSOR)
    except ValueError:
        return
    tensor = TensorProto.FromString(message)
    assert [size % 2**64 for size in tensor.dims] == [size % 2**64 for size in values["dims"]]
    assert tensor.raw_data == (values["raw_data"] or b"")
