using System.Buffers;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Rpc.Framing;

/// <summary>
/// One client's bytes, in any split, become messages. The first byte decides how they are framed: an opening brace or bracket for one
/// message
/// a line, anything else for headers. Messages are parsed while they arrive, so that no text is held, whatever length it claims.
/// </summary>
/// <param name="requestBytes">Bytes of one message; a longer one is refused, and read to its end without being kept.</param>
sealed class FrameReader(Limit requestBytes)
{
    enum State : byte { Start, Line, Headers, Body, Skip }

    readonly JsonReader _json = new(new JsonLimits { RequestBytes = requestBytes });
    State _state;
    HeaderBlock _headers;

    // The piece of a header line that has come without its end.
    byte[]? _line;
    int _lineLength;

    // Of a body: what has not come yet.
    long _left;

    // Of the message under way: its text's first value or error. A second one makes the whole no JSON text.
    JsonResult? _text;
    bool _hasMore;

    /// <summary>Whether messages stand behind headers; null before the first byte.</summary>
    public bool? HasHeaders => _state == State.Start ? null : _state != State.Line;

    /// <summary>Bytes of the message under way, as far as it costs memory.</summary>
    public long PendingBytes => _json.PendingBytes + _lineLength;

    /// <summary>
    /// Consumes from the front of <paramref name="input"/> until one message is complete (true) or the input is used up (false).
    /// </summary>
    /// <exception cref="FrameFault">Where the next message begins is lost.</exception>
    public bool TryRead(ref ReadOnlySequence<byte> input, out JsonResult message)
    {
        message = default;
        while (!input.IsEmpty)
        {
            switch (_state)
            {
                case State.Start:
                    Start(ref input);
                    break;
                case State.Line when TryLine(ref input, out message):
                    return true;
                case State.Headers when TryHeaders(ref input, out message):
                    return true;
                case State.Body when TryBody(ref input, out message):
                    return true;
                case State.Skip:
                    Skip(ref input);
                    break;
            }
        }
        return false;
    }

    /// <summary>The client will send no more. A line without its end is a message nevertheless.</summary>
    public bool TryEnd(out JsonResult message)
    {
        message = default;
        return _state == State.Line && TryEndText(isLine: true, out message);
    }

    void Start(ref ReadOnlySequence<byte> input)
    {
        while (!input.IsEmpty)
        {
            switch (input.FirstSpan[0])
            {
                case (byte)'{' or (byte)'[':
                    _state = State.Line;
                    return;
                // Blank lines, and the byte order mark that some writers begin with.
                case (byte)' ' or (byte)'\t' or (byte)'\r' or (byte)'\n' or 0xEF or 0xBB or 0xBF:
                    input = input.Slice(1);
                    continue;
                default:
                    _state = State.Headers;
                    return;
            }
        }
    }

    bool TryLine(ref ReadOnlySequence<byte> input, out JsonResult message)
    {
        var end = input.PositionOf((byte)'\n');
        Parse(end is { } lf ? input.Slice(0, lf) : input);
        if (end is null)
        {
            input = input.Slice(input.End);
            message = default;
            return false;
        }
        input = input.Slice(input.GetPosition(1, end.Value));
        return TryEndText(isLine: true, out message);
    }

    bool TryHeaders(ref ReadOnlySequence<byte> input, out JsonResult message)
    {
        message = default;
        var span = input.FirstSpan;
        var end = span.IndexOf((byte)'\n');
        if (end < 0)
        {
            Keep(span);
            input = input.Slice(span.Length);
            return false;
        }
        var isEnd = TakeHeader(span[..end]);
        input = input.Slice(end + 1);
        return isEnd && TryBegin(out message);
    }

    bool TakeHeader(ReadOnlySpan<byte> last)
    {
        if (_lineLength == 0)
            return _headers.Take(last);
        Keep(last);
        var isEnd = _headers.Take(_line.AsSpan(0, _lineLength));
        (_line, _lineLength) = (null, 0);
        return isEnd;
    }

    void Keep(ReadOnlySpan<byte> piece)
    {
        _headers.CheckRoom(_lineLength + piece.Length);
        if (_line is null || _line.Length < _lineLength + piece.Length)
            Array.Resize(ref _line, Math.Max(64, 2 * (_lineLength + piece.Length)));
        piece.CopyTo(_line.AsSpan(_lineLength));
        _lineLength += piece.Length;
    }

    /// <summary>The headers are complete. True if they are enough to refuse the message.</summary>
    bool TryBegin(out JsonResult message)
    {
        var (length, charset) = (_headers.Length!.Value, _headers.OtherCharset);
        _headers = default;
        _left = length;
        _state = State.Body;
        if (requestBytes.IsPassedBy(length))
            message = new(default, QmpErrors.RequestTooLarge(requestBytes));
        else if (charset is not null)
            message = new(default, RpcErrors.OtherCharset(charset));
        else
            return TryEmpty(out message);
        _state = _left > 0 ? State.Skip : State.Headers;
        return true;
    }

    bool TryEmpty(out JsonResult message)
    {
        message = default;
        if (_left > 0)
            return false;
        _state = State.Headers;
        return TryEndText(isLine: false, out message);
    }

    bool TryBody(ref ReadOnlySequence<byte> input, out JsonResult message)
    {
        var length = Math.Min(_left, input.Length);
        Parse(input.Slice(0, length));
        input = input.Slice(length);
        _left -= length;
        return TryEmpty(out message);
    }

    void Skip(ref ReadOnlySequence<byte> input)
    {
        var length = Math.Min(_left, input.Length);
        input = input.Slice(length);
        if ((_left -= length) == 0)
            _state = State.Headers;
    }

    void Parse(ReadOnlySequence<byte> text)
    {
        while (_json.TryRead(ref text, out var found))
            Found(found);
    }

    void Found(JsonResult found)
    {
        if (_text is null)
            _text = found;
        else
            _hasMore = true;
    }

    /// <summary>False for a blank line, which is no message.</summary>
    bool TryEndText(bool isLine, out JsonResult message)
    {
        if (_json.TryEnd(out var last))
            Found(last);
        var text = _text;
        var hasMore = _hasMore;
        (_text, _hasMore) = (null, false);
        if (text is { Error: null } && hasMore)
            message = new(default, QmpErrors.JsonSeveral());
        else
            message = text ?? new(default, QmpErrors.JsonMissing());
        return text is not null || !isLine;
    }
}
