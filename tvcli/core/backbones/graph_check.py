"""Whether a graph that may be anyone's may run: no loops, no branches, nothing from outside.

ONNX's own reader takes longer to load than a query takes, so the few fields that decide are read
from the protocol buffer here. Source: onnx/onnx.proto, https://protobuf.dev/programming-guides/encoding
"""

from collections.abc import Iterator
from math import prod

from tvcli.core.errors import BadInput

MAX_BYTES = 2 * 2**30  # of a graph: no protocol buffer is larger
MAX_NODES = 100_000
MAX_ELEMENTS = 2**29  # of a tensor that it keeps
OWN_DOMAINS = (b"", b"ai.onnx")
REFUSED = (b"If", b"Loop", b"Scan", b"SequenceMap")  # each runs a graph of its own
# The numbers of the fields, by the message that has them.
GRAPH, TRAINING, FUNCTIONS = 7, 20, 25  # ModelProto
NODES, INITIALIZERS, SPARSE = 1, 5, 15  # GraphProto
OPERATOR, ATTRIBUTES, DOMAIN = 4, 5, 7  # NodeProto
TENSOR, SUBGRAPH, TENSORS, SUBGRAPHS = 5, 6, 10, 11  # AttributeProto
DIMENSIONS, EXTERNAL, LOCATION = 1, 13, 14  # TensorProto

Field = tuple[int, int | memoryview]


def check_graph(content: bytes) -> None:
    """See that a graph has no control flow, functions, other domains, or data outside itself.

    Raises:
        BadInput: it has, or it is no graph; the message is the reason alone.
    """
    if len(content) > MAX_BYTES:
        raise BadInput("it is larger than 2 GiB")
    graphs = []
    for number, value in _fields(memoryview(content)):
        if number == GRAPH:
            graphs.append(_part(value))
        elif number in (TRAINING, FUNCTIONS):
            raise BadInput("it defines functions of its own")
    if len(graphs) != 1:  # of several a reader makes one
        raise BadInput("it is not one graph")
    nodes = 0
    for number, value in _fields(graphs[0]):
        if number == NODES:
            nodes += 1
            _check_node(_part(value))
        elif number == INITIALIZERS:
            _check_tensor(_part(value))
        elif number == SPARSE:
            raise BadInput("it has sparse tensors")
    if nodes > MAX_NODES:
        raise BadInput(f"it has more than {MAX_NODES} operators")


def _check_node(node: memoryview) -> None:
    for number, value in _fields(node):
        if number == DOMAIN and bytes(_part(value)) not in OWN_DOMAINS:
            raise BadInput("it has operators that are not ONNX's own")
        if number == OPERATOR and bytes(_part(value)) in REFUSED:
            raise BadInput(f"it has the operator {bytes(_part(value)).decode()}")
        if number == ATTRIBUTES:
            for inner, held in _fields(_part(value)):
                if inner in (SUBGRAPH, SUBGRAPHS):
                    raise BadInput("it has a graph inside an operator")
                if inner in (TENSOR, TENSORS):
                    _check_tensor(_part(held))


def _check_tensor(tensor: memoryview) -> None:
    sides: list[int] = []
    for number, value in _fields(tensor):
        if number == EXTERNAL or (number == LOCATION and value != 0):
            raise BadInput("it reads weights from other files")
        if number == DIMENSIONS:
            sides += [value] if isinstance(value, int) else _packed(value)
    if prod(sides) > MAX_ELEMENTS:
        raise BadInput(f"it has a tensor of more than {MAX_ELEMENTS} values")


def _fields(message: memoryview) -> Iterator[Field]:
    """Yield the fields of a message: their numbers, with an integer or the bytes they hold."""
    at, end = 0, len(message)
    while at < end:
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if key >= 2**32 or number == 0:  # readers cut keys to 32 bits: it would be another field
            raise BadInput("it is not a graph of ONNX")
        if kind == 0:
            value, at = _varint(message, at)
            yield number, value
            continue
        if kind == 2:
            length, at = _varint(message, at)
        elif kind in (1, 5):
            length = 8 if kind == 1 else 4
        else:
            raise BadInput("it is not a graph of ONNX")
        if at + length > end:
            raise BadInput("it is cut off")
        yield number, message[at : at + length]
        at += length


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    value = 0
    for place in range(10):
        if at >= len(message):
            raise BadInput("it is cut off")
        byte = message[at]
        at += 1
        value |= (byte & 0x7F) << (7 * place)
        if byte < 0x80:
            return value, at
    raise BadInput("it is not a graph of ONNX")


def _packed(message: memoryview) -> list[int]:
    values, at = [], 0
    while at < len(message):
        value, at = _varint(message, at)
        values.append(value)
    return values


def _part(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise BadInput("it is not a graph of ONNX")
    return value
