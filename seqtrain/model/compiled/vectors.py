"""Vectors of the processor in use, as values of plain arithmetic that becomes machine code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import llvmlite.binding as llvm
from llvmlite import ir
from numba.core import cgutils

I64, F32 = ir.IntType(64), ir.FloatType()
FLOAT = 4  # bytes


def _lanes_and_registers() -> tuple[int, int]:
    """Floats in a vector, and vector registers, of this processor."""
    features = llvm.get_host_cpu_features()
    if features.get("avx512f"):
        return 16, 32
    if features.get("avx"):
        return 8, 16
    return 4, 32 if features.get("neon") else 16


LANES, REGISTERS = _lanes_and_registers()
VECTOR = ir.VectorType(F32, LANES)


class Vector:
    """`LANES` floats in a register; adds, subtracts, multiplies and divides with its kind and with numbers."""

    def __init__(self, builder: Any, value: Any) -> None:
        self.builder, self.value = builder, value

    @classmethod
    def load(cls, builder: Any, address: Any) -> Vector:
        return cls(builder, builder.load(_pointer(builder, address, VECTOR), align=FLOAT))

    @classmethod
    def broadcast(cls, builder: Any, address: Any) -> Vector:
        """The float at an address, in every lane."""
        value, undefined = builder.load(_pointer(builder, address, F32)), ir.Constant(VECTOR, ir.Undefined)
        first = builder.insert_element(undefined, value, ir.Constant(ir.IntType(32), 0))
        return cls(builder, builder.shuffle_vector(first, undefined, _constant(ir.IntType(32), 0)))

    def store(self, address: Any, *, past_caches: bool = False) -> None:
        """past_caches: for what is not read again soon; the address must then be a multiple of the vector's size."""
        pointer = _pointer(self.builder, address, VECTOR)
        store = self.builder.store(self.value, pointer, align=LANES * FLOAT if past_caches else FLOAT)
        if past_caches:
            yes = ir.Constant(ir.IntType(32), 1)
            store.set_metadata("nontemporal", self.builder.module.add_metadata([yes]))

    def __add__(self, other: Any) -> Vector:
        return self._with(other, self.builder.fadd)

    def __sub__(self, other: Any) -> Vector:
        return self._with(other, self.builder.fsub)

    def __mul__(self, other: Any) -> Vector:
        return self._with(other, self.builder.fmul)

    __rmul__ = __mul__

    def __truediv__(self, other: Any) -> Vector:
        return self._with(other, self.builder.fdiv)

    def __rsub__(self, other: float) -> Vector:
        return self._lift(other) - self

    def clip(self, least: float, most: float) -> Vector:
        """NaN stays NaN: a comparison with it is false."""
        return self._unless(">", most)._unless("<", least)

    def _unless(self, comparison: str, limit: float) -> Vector:
        bound, build = self._lift(limit), self.builder
        beyond = build.fcmp_ordered(comparison, self.value, bound.value)
        return Vector(build, build.select(beyond, bound.value, self.value))

    def _with(self, other: Any, operation: Callable[..., Any]) -> Vector:
        # "contract": a product and a sum may become one instruction; nothing else may be changed.
        return Vector(self.builder, operation(self.value, self._lift(other).value, flags=("contract",)))

    def _lift(self, value: Any) -> Vector:
        return value if isinstance(value, Vector) else Vector(self.builder, _constant(F32, value))


def prefetch(builder: Any, address: Any, *, write: bool = False) -> None:
    """Asks for the memory at an address before it is needed."""
    place, number = _pointer(builder, address, ir.IntType(8)), ir.IntType(32)
    kind = ir.FunctionType(ir.VoidType(), [place.type, number, number, number])
    function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
    near, data = 3, 1
    builder.call(function, [place, *(ir.Constant(number, value) for value in (int(write), near, data))])


class Accumulator:
    """A variable vector that products are added to, in a register."""

    def __init__(self, builder: Any) -> None:
        self._builder = builder
        self._variable = cgutils.alloca_once(builder, VECTOR)
        builder.store(_constant(F32, 0.0), self._variable)

    def add(self, vector: Vector) -> None:
        self._builder.store((self.value + vector).value, self._variable)

    @property
    def value(self) -> Vector:
        return Vector(self._builder, self._builder.load(self._variable))


def _constant(kind: Any, value: float) -> Any:
    return ir.Constant(ir.VectorType(kind, LANES), [value] * LANES)


def _pointer(builder: Any, address: Any, kind: Any) -> Any:
    return builder.inttoptr(address, kind.as_pointer())
