"""Small graphs of ONNX written without its library, which takes longer to load than a query takes.

The few messages that a chain of operators needs, as protocol buffers. Source: onnx/onnx.proto,
https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np
import numpy.typing as npt

OPSET, IR_VERSION = 17, 8  # what the oldest ONNX Runtime that is supported reads
INT, INTS = 2, 7  # AttributeProto.AttributeType
FLOAT, INT64 = 1, 7  # TensorProto.DataType
DATA_TYPES = {np.dtype("<f4"): FLOAT, np.dtype("<i8"): INT64}
# The numbers of the fields, by the message that has them.
VERSION, GRAPH, OPSETS = 1, 7, 8  # ModelProto
OPSET_DOMAIN, OPSET_VERSION = 1, 2  # OperatorSetIdProto
NODES, GRAPH_NAME, INITIALIZERS, INPUTS, OUTPUTS = 1, 2, 5, 11, 12  # GraphProto
NODE_INPUTS, NODE_OUTPUTS, OPERATOR, ATTRIBUTES = 1, 2, 4, 5  # NodeProto
ATTRIBUTE_NAME, ONE_INT, MANY_INTS, ATTRIBUTE_TYPE = 1, 3, 8, 20  # AttributeProto
DIMENSIONS, DATA_TYPE, TENSOR_NAME, RAW_DATA = 1, 2, 8, 9  # TensorProto
VALUE_NAME, VALUE_TYPE = 1, 2  # ValueInfoProto
TENSOR_TYPE, ELEMENT, SHAPE, SIDE, SIDE_NAME = 1, 1, 2, 1, 2  # TypeProto and what it holds

Attribute = int | Sequence[int]
Floats = tuple[str, Sequence[str]]  # float32 values by name, with names of their sides ("": any)


def graph_content(
    nodes: Iterable[bytes], numbers: Iterable[bytes], given: Floats, result: Floats
) -> bytes:
    """Return a graph of `node`s and `constant`s, from what it is given to its result."""
    graph = b"".join(
        (
            *(_part(NODES, node) for node in nodes),
            _text(GRAPH_NAME, "head"),
            *(_part(INITIALIZERS, number) for number in numbers),
            _part(INPUTS, _floats(given)),
            _part(OUTPUTS, _floats(result)),
        )
    )
    opset = _text(OPSET_DOMAIN, "") + _number(OPSET_VERSION, OPSET)
    return _number(VERSION, IR_VERSION) + _part(GRAPH, graph) + _part(OPSETS, opset)


def node(operator: str, inputs: Sequence[str], output: str, **attributes: Attribute) -> bytes:
    """Return an operator on values by their names."""
    return b"".join(
        (
            *(_text(NODE_INPUTS, name) for name in inputs),
            _text(NODE_OUTPUTS, output),
            _text(OPERATOR, operator),
            *(_part(ATTRIBUTES, each) for each in _attributes(attributes)),
        )
    )


def constant(name: str, value: npt.NDArray[np.float32] | npt.NDArray[np.int64]) -> bytes:
    """Return an array with a name; raises KeyError for another type than float32 or int64."""
    little = np.ascontiguousarray(value.astype(value.dtype.newbyteorder("<")))
    dimensions = b"".join(_number(DIMENSIONS, side) for side in value.shape)
    about = _number(DATA_TYPE, DATA_TYPES[little.dtype]) + _text(TENSOR_NAME, name)
    return dimensions + about + _part(RAW_DATA, little.tobytes())


def _attributes(attributes: Mapping[str, Attribute]) -> Iterable[bytes]:
    for name, value in attributes.items():
        if isinstance(value, int):
            held, kind = _number(ONE_INT, value), INT
        else:
            held, kind = b"".join(_number(MANY_INTS, each) for each in value), INTS
        yield _text(ATTRIBUTE_NAME, name) + held + _number(ATTRIBUTE_TYPE, kind)


def _floats(values: Floats) -> bytes:
    name, sides = values
    shape = b"".join(_part(SIDE, _text(SIDE_NAME, side) if side else b"") for side in sides)
    tensor = _number(ELEMENT, FLOAT) + _part(SHAPE, shape)
    return _text(VALUE_NAME, name) + _part(VALUE_TYPE, _part(TENSOR_TYPE, tensor))


def _text(field: int, value: str) -> bytes:
    return _part(field, value.encode())


def _part(field: int, content: bytes) -> bytes:
    """Return a field that holds bytes: a text, or a message."""
    return _varint(field << 3 | 2) + _varint(len(content)) + content


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Return an integer that is not negative, seven bits a byte, the lowest first."""
    found = bytearray()
    while value > 0x7F:
        found.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*found, value])
