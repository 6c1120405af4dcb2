using System.Buffers;
using System.Buffers.Text;
using System.Text;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using StreamJsonRpc;
using StreamJsonRpc.Protocol;

namespace HostMemd.Rpc.Messages;

/// <summary>
/// Messages as text, by the reader and the writer that QMP has too: integers are exact over the whole range of int64 and uint64, and
/// nothing
/// is looked up by reflection.
/// </summary>
sealed class RpcFormatter(Limit requestBytes) : IJsonRpcMessageTextFormatter
{
    public Encoding Encoding
    {
        get => Encoding.UTF8;
        set
        {
            if (value.CodePage != Encoding.UTF8.CodePage)
                throw new NotSupportedException($"the text of messages is UTF-8, not {value.WebName}");
        }
    }

    /// <summary>Reads one request that stands alone.</summary>
    /// <exception cref="QmpException">It is not JSON, or not a request.</exception>
    public JsonRpcMessage Deserialize(ReadOnlySequence<byte> contentBuffer)
    {
        var reader = new JsonReader(new JsonLimits { RequestBytes = requestBytes });
        if (!reader.TryRead(ref contentBuffer, out var text) && !reader.TryEnd(out text))
            throw QmpErrors.JsonMissing();
        if (text.Error is not null)
            throw text.Error;
        return RequestReader.Read(text.Value, null, out _, out var fault) ?? throw (fault?.Error ?? RpcErrors.NoMethod());
    }

    public JsonRpcMessage Deserialize(ReadOnlySequence<byte> contentBuffer, Encoding encoding)
    {
        Encoding = encoding;
        return Deserialize(contentBuffer);
    }

    public object GetJsonText(JsonRpcMessage message)
    {
        var text = new ArrayBufferWriter<byte>();
        Serialize(text, message);
        return Encoding.GetString(text.WrittenSpan);
    }

    public void Serialize(IBufferWriter<byte> bufferWriter, JsonRpcMessage message)
    {
        switch (message)
        {
            case JsonRpcResult result:
                Begin(bufferWriter, result.RequestId);
                bufferWriter.Write(",\"result\":"u8);
                JsonWriter.Write(bufferWriter, result.Result is Value value ? value : Value.Null);
                break;
            case JsonRpcError { Error: { } error } answer:
                Begin(bufferWriter, answer.RequestId);
                Write(bufferWriter, error);
                break;
            case JsonRpcRequest notification:
                bufferWriter.Write("{\"jsonrpc\":\"2.0\",\"method\":"u8);
                JsonWriter.WriteString(bufferWriter, notification.Method!);
                bufferWriter.Write(",\"params\":"u8);
                JsonWriter.Write(bufferWriter, notification.Arguments is Value parameters ? parameters : Value.Empty);
                break;
            default:
                throw new NotSupportedException($"a message of type {message.GetType()} is never sent");
        }
        bufferWriter.Write("}"u8);
    }

    static void Begin(IBufferWriter<byte> writer, RequestId id)
    {
        writer.Write("{\"jsonrpc\":\"2.0\",\"id\":"u8);
        if (id.Number is { } number)
            Write(writer, number);
        else
            JsonWriter.Write(writer, RequestIds.Write(id));
    }

    static void Write(IBufferWriter<byte> writer, JsonRpcError.ErrorDetail error)
    {
        writer.Write(",\"error\":{\"code\":"u8);
        Write(writer, (int)error.Code);
        writer.Write(",\"message\":"u8);
        JsonWriter.WriteString(writer, error.Message ?? "");
        if (error.Data is Value data)
        {
            writer.Write(",\"data\":"u8);
            JsonWriter.Write(writer, data);
        }
        writer.Write("}"u8);
    }

    static void Write(IBufferWriter<byte> writer, long number)
    {
        Utf8Formatter.TryFormat(number, writer.GetSpan(20), out var length);
        writer.Advance(length);
    }
}
