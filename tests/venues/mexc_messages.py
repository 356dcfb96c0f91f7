"""MEXC's websocket messages read back: by the classes that ccxt ships, and by classes made of our own mexc.proto."""

import re
from pathlib import Path
from typing import Any

from ccxt.protobuf.mexc import PushDataV3ApiWrapper_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, message_factory

PROTO = Path(__file__).parents[2] / "sandbox" / "dialects" / "mexc.proto"
TYPES = {"string": 9, "int32": 5, "int64": 3, "bool": 8}
MESSAGE = 11
OPTIONAL, REPEATED = 1, 3
FIELD = re.compile(r"^\s*(repeated |optional )?(\w+) (\w+) = (\d+);$")


def read(frame: bytes) -> dict[str, Any]:
    """Return a message as the unmodified client reads it."""
    return _plain(PushDataV3ApiWrapper_pb2.PushDataV3ApiWrapper, frame)


def read_by_proto(frame: bytes) -> dict[str, Any]:
    """Return a message as mexc.proto describes it."""
    pool = descriptor_pool.DescriptorPool()
    pool.Add(_file())
    return _plain(message_factory.GetMessageClass(pool.FindMessageTypeByName("gatehouse.mexc.Push")), frame)


def _plain(kind: Any, frame: bytes) -> dict[str, Any]:
    message = kind()
    message.ParseFromString(frame)
    assert message.SerializeToString() == frame, "no field is unknown, and none is written that proto3 leaves out"
    plain: dict[str, Any] = json_format.MessageToDict(message)
    return plain


def _file() -> descriptor_pb2.FileDescriptorProto:
    """Return mexc.proto as a descriptor: messages of plain fields, which is all that it has."""
    file = descriptor_pb2.FileDescriptorProto(name="mexc.proto", package="gatehouse.mexc", syntax="proto3")
    for line in PROTO.read_text().splitlines():
        if line.startswith("message "):
            file.message_type.add(name=line.split()[1])
        elif found := FIELD.match(line):
            label, kind, name, number = found.groups()
            field = file.message_type[-1].field.add(name=name, number=int(number))
            field.label = REPEATED if label == "repeated " else OPTIONAL
            field.type = TYPES.get(kind, MESSAGE)
            if field.type == MESSAGE:
                field.type_name = f".gatehouse.mexc.{kind}"
    return file
