using System.Buffers;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Qmp;

/// <summary>What goes out to one QMP client: messages one a line, ended with CR LF as QEMU's are.</summary>
/// <param name="pretty">Indented, for people.</param>
/// <param name="limit">Pending bytes at which <see cref="Outbox.Overflowed"/> is called.</param>
public sealed class Output(bool pretty, long limit) : Outbox(limit)
{
    static ReadOnlySpan<byte> LineEnd => "\r\n"u8;

    public void Return(Value value, Value? id, SafeFileHandle? descriptor = null)
    {
        if (pretty)
        {
            var reply = id is { } echoed ? Value.Object(("return", value), ("id", echoed)) : Value.Object(("return", value));
            Send(new Message(reply, true), descriptor);
        }
        else
        {
            Send(new Reply(value, id), descriptor);
        }
    }

    public void Error(QmpException error, Value? id)
    {
        var body = Value.Object(("class", Value.From(error.Class.ToString())), ("desc", Value.From(error.Message)));
        Send(id is { } echo ? Value.Object(("id", echo), ("error", body)) : Value.Object(("error", body)));
    }

    /// <summary>A message as it is: the greeting, an event.</summary>
    public void Send(Value message) => Send(new Message(message, pretty));

    readonly struct Message(Value value, bool pretty) : IOutgoing
    {
        public void Write(IBufferWriter<byte> to)
        {
            JsonWriter.Write(to, value, pretty);
            to.Write(LineEnd);
        }
    }

    readonly struct Reply(Value value, Value? id) : IOutgoing
    {
        public void Write(IBufferWriter<byte> to)
        {
            to.Write("{\"return\": "u8);
            JsonWriter.Write(to, value);
            if (id is { } echo)
            {
                to.Write(", \"id\": "u8);
                JsonWriter.Write(to, echo);
            }
            to.Write("}\r\n"u8);
        }
    }
}
