using System.Buffers;
using System.Buffers.Text;
using HostMemd.Protocol.Wire;
using HostMemd.Rpc.Messages;
using Microsoft.Win32.SafeHandles;
using Nerdbank.Streams;
using StreamJsonRpc.Protocol;

namespace HostMemd.Rpc;

/// <summary>
/// What goes out to one JSON-RPC client. A message becomes text before any of it is sent: its length goes before it, and one that cannot be
/// written leaves nothing behind.
/// </summary>
sealed class RpcOutbox(long limit, RpcFormatter formatter) : Outbox(limit)
{
    // Of the thread: some hundred bytes are the rule, and thousands of clients need them in turns.
    [ThreadStatic]
    static Sequence<byte>? s_text;

    /// <summary>Writes one message, for the next flush.</summary>
    /// <param name="message">The message.</param>
    /// <param name="hasHeaders">It stands behind headers, not on a line of its own.</param>
    /// <param name="descriptor">Goes with the message's first byte, and is closed then.</param>
    public void Send(JsonRpcMessage message, bool hasHeaders, SafeFileHandle? descriptor = null)
    {
        var text = Take();
        try
        {
            formatter.Serialize(text, message);
            Send(new Framed(text.AsReadOnlySequence, hasHeaders), descriptor);
        }
        finally
        {
            GiveBack(text);
        }
    }

    /// <summary>Writes the replies to a batch as one message.</summary>
    public void Send(IReadOnlyList<JsonRpcMessage> replies, bool hasHeaders)
    {
        var text = Take();
        try
        {
            var separator = "["u8;
            foreach (var reply in replies)
            {
                text.Write(separator);
                formatter.Serialize(text, reply);
                separator = ","u8;
            }
            text.Write("]"u8);
            Send(new Framed(text.AsReadOnlySequence, hasHeaders));
        }
        finally
        {
            GiveBack(text);
        }
    }

    // Taken while in use: a list that is read while it is written may send something itself.
    static Sequence<byte> Take()
    {
        var text = s_text ?? new(ArrayPool<byte>.Shared) { MinimumSpanLength = 4 << 10 };
        s_text = null;
        return text;
    }

    static void GiveBack(Sequence<byte> text)
    {
        text.Reset();
        s_text = text;
    }

    readonly struct Framed(ReadOnlySequence<byte> text, bool hasHeaders) : IOutgoing
    {
        public void Write(IBufferWriter<byte> to)
        {
            if (hasHeaders)
                WriteHeader(to);
            foreach (var piece in text)
                to.Write(piece.Span);
            if (!hasHeaders)
                to.Write("\n"u8);
        }

        void WriteHeader(IBufferWriter<byte> to)
        {
            to.Write("Content-Length: "u8);
            Utf8Formatter.TryFormat(text.Length, to.GetSpan(20), out var digits);
            to.Advance(digits);
            to.Write("\r\n\r\n"u8);
        }
    }
}
