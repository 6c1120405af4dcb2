"""The managed memory of a running .NET process after a full collection, asked through its diagnostics socket: no tool need be installed.

The protocol is EventPipe's: a session with the GCHeapCollect keyword makes the runtime collect at once, and GCHeapStats tells what survived.
(dotnet/diagnostics: documentation/design-docs/ipc-protocol.md; microsoft/perfview: src/TraceEvent/EventPipe/EventPipeFormat.md.)
"""

import glob
import os
import socket
import struct
import tempfile

MAGIC = b"DOTNET_IPC_V1\0"
EVENT_PIPE, COLLECT_TRACING_2, STOP_TRACING = 2, 3, 1
GC_KEYWORD, HEAP_COLLECT_KEYWORD, INFORMATIONAL = 0x1, 0x800000, 4
PROVIDER = "Microsoft-Windows-DotNETRuntime"
HEAP_STATS_ID = 4
# Size and surviving bytes of three generations and the large heap, finalizers, three counts, the runtime's id; then the pinned heap's two.
HEAP_STATS = struct.Struct("<10Q3IHQQ")


def wide(text):
    return struct.pack("<I", len(text) + 1) + (text + "\0").encode("utf-16-le")


def connect(pid):
    found = glob.glob(os.path.join(tempfile.gettempdir(), f"dotnet-diagnostic-{pid}-*-socket"))
    if not found:
        raise RuntimeError(f"process {pid} has no diagnostics socket: not CoreCLR, or DOTNET_EnableDiagnostics=0")
    client = socket.socket(socket.AF_UNIX)
    client.settimeout(30)
    client.connect(found[0])
    return client


def command(client, number, payload):
    client.sendall(MAGIC + struct.pack("<HBBH", 20 + len(payload), EVENT_PIPE, number, 0) + payload)


def exactly(client, count):
    data = b""
    while len(data) < count:
        more = client.recv(count - len(data))
        if not more:
            raise RuntimeError("the diagnostics socket was closed")
        data += more
    return data


def managed_bytes(pid):
    with connect(pid) as events, connect(pid) as control:
        provider = struct.pack("<QI", GC_KEYWORD | HEAP_COLLECT_KEYWORD, INFORMATIONAL) + wide(PROVIDER) + wide("")
        command(events, COLLECT_TRACING_2, struct.pack("<II?I", 8, 1, False, 1) + provider)
        header = exactly(events, 20)
        size, reply = struct.unpack_from("<H", header, 14)[0], header[17]
        session = exactly(events, size - 20)
        if reply != 0:
            raise RuntimeError("the runtime refused the session")
        command(control, STOP_TRACING, session[:8])
        stream = b""
        while more := events.recv(1 << 16):
            stream += more
    return last_heap(stream)


def last_heap(stream):
    """The bytes that survived the last collection in the stream."""
    names, found = {}, None
    for kind, block in blocks(stream):
        for metadata, payload in events(block):
            if kind == "MetadataBlock":
                number, provider, event = describe(payload)
                names[number] = (provider, event)
            elif names.get(metadata) == (PROVIDER, HEAP_STATS_ID):
                numbers = HEAP_STATS.unpack_from(payload)
                found = sum(numbers[1:8:2]) + numbers[15]
    if found is None:
        raise RuntimeError("the runtime told nothing of its heap")
    return found


def blocks(stream):
    """The blocks of events and of their descriptions."""
    at = len("Nettrace") + 4 + len("!FastSerialization.1")
    while stream[at] == 5:  # begin of an object; its type is an object too
        length = struct.unpack_from("<I", stream, at + 11)[0]
        kind = stream[at + 15:at + 15 + length].decode()
        at += 15 + length + 1
        if kind == "Trace":
            at += 48
        else:
            size = struct.unpack_from("<I", stream, at)[0]
            at = (at + 4 + 3) & ~3
            if kind in ("EventBlock", "MetadataBlock"):
                yield kind, stream[at:at + size]
            at += size
        at += 1  # end of the object


def events(block):
    """Metadata number and payload of each event; headers are compressed against the one before."""
    at, metadata, length = struct.unpack_from("<H", block)[0], 0, 0

    def varint():
        nonlocal at
        value = shift = 0
        while True:
            byte = block[at]
            at += 1
            value |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                return value

    while at < len(block):
        flags = block[at]
        at += 1
        if flags & 1:
            metadata = varint()
        if flags & 2:
            varint(), varint(), varint()  # sequence number, thread, processor
        if flags & 4:
            varint()  # thread
        if flags & 8:
            varint()  # stack
        varint()  # time
        at += 16 * (bool(flags & 16) + bool(flags & 32))  # activities
        if flags & 128:
            length = varint()
        yield metadata, block[at:at + length]
        at += length


def describe(payload):
    provider, at = wide_text(payload, 4)
    return struct.unpack_from("<I", payload)[0], provider, struct.unpack_from("<I", payload, at)[0]


def wide_text(data, at):
    end = at
    while data[end:end + 2] != b"\0\0":
        end += 2
    return data[at:end].decode("utf-16-le"), end + 2
