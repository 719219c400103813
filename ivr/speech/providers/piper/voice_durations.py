"""Make a Piper voice output the duration of each phoneme.

A voice (VITS: Kim, Kong and Son, "Conditional Variational Autoencoder with Adversarial Learning for
End-to-End Text-to-Speech", 2021) computes the frames of every phoneme and keeps them to itself: they are the
result of the graph's one ``Ceil``. Made an output of the graph, they are given with the sound. Piper has a
tool that does so with the ``onnx`` package; the change is one record added to the file, which needs no
package.
"""

from collections.abc import Iterator

# Field numbers of onnx.proto and wire types of Protocol Buffers.
_MODEL_GRAPH = 7
_GRAPH_NODE, _GRAPH_OUTPUT = 1, 12
_NODE_OUTPUT, _NODE_TYPE = 2, 4
_VALUE_NAME = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


def with_durations(model: bytes) -> bytes | None:
    """Return the ONNX file ``model`` with the durations as its last output; None when it is not such a voice,
    or has them already.
    """
    try:
        found = _ceil_outputs(memoryview(model))
    except (IndexError, ValueError):
        return None
    if len(found) != 1:
        return None
    # A message that occurs twice is merged, and its repeated fields follow each other: the new output
    # is appended to the file as a second graph that has nothing but it.
    return model + _record(_MODEL_GRAPH, _record(_GRAPH_OUTPUT, _record(_VALUE_NAME, found[0])))


def _ceil_outputs(model: memoryview) -> list[bytes]:
    """Return the names that the graph's ``Ceil`` nodes compute and that are no outputs of the graph."""
    computed: list[bytes] = []
    given: list[bytes] = []
    for graph in _fields(model, _MODEL_GRAPH):
        for node in _fields(graph, _GRAPH_NODE):
            if b"Ceil" in map(bytes, _fields(node, _NODE_TYPE)):
                computed += map(bytes, _fields(node, _NODE_OUTPUT))
        for output in _fields(graph, _GRAPH_OUTPUT):
            given += map(bytes, _fields(output, _VALUE_NAME))
    return [name for name in computed if name not in given]


def _fields(message: memoryview, wanted: int) -> Iterator[memoryview]:
    """Yield the contents of each field ``wanted`` of a message, where it is a string or a message.

    Raises ValueError or IndexError when ``message`` is no Protocol Buffers message.
    """
    at = 0
    while at < len(message):
        key, at = _varint(message, at)
        number, kind = key >> 3, key & 7
        if kind == _VARINT:
            _, at = _varint(message, at)
        elif kind in (_FIXED64, _FIXED32):
            at += 8 if kind == _FIXED64 else 4
        elif kind == _BYTES:
            size, at = _varint(message, at)
            if at + size > len(message):
                raise ValueError("cut off")
            if number == wanted:
                yield message[at : at + size]
            at += size
        else:
            raise ValueError(f"no wire type {kind}")


def _varint(message: memoryview, at: int) -> tuple[int, int]:
    """Return a number and the position of its end."""
    value = shift = 0
    while True:
        byte = message[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at


def _record(number: int, content: bytes) -> bytes:
    size, length = len(content), bytearray()
    while size >= 0x80:
        length.append(size & 0x7F | 0x80)
        size >>= 7
    length.append(size)
    return bytes([number << 3 | _BYTES]) + bytes(length) + content
