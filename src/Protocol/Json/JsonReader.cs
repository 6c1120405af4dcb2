using System.Buffers;
using HostMemd.Qapi;

namespace HostMemd.Protocol.Json;

/// <summary>
/// One client's input: bytes in any split become values and errors, in order. Values are built while the bytes arrive.
/// An error is found, and told, at the token that causes it; what is left of that message is then read and dropped. Where a
/// message ends is a matter of counting brackets, independent of its syntax.
/// </summary>
public sealed class JsonReader(JsonLimits limits)
{
    readonly JsonLexer _lexer = new();
    readonly JsonBuilder _builder = new(new StringCache());

    bool _inMessage;
    bool _dropping;
    long _start;
    int _braces;
    int _brackets;
    int _tokens;
    long _tokenBytes;

    /// <summary>The text of the message that is not yet complete, in bytes. Its values take up to some 30 times as much memory.</summary>
    public long PendingBytes => _inMessage && !_dropping ? _lexer.TokenEnd - _start : 0;

    /// <summary>
    /// Consumes from the front of <paramref name="buffer"/> until one result is complete (true) or the buffer is used up (false).
    /// </summary>
    public bool TryRead(ref ReadOnlySequence<byte> buffer, out JsonResult result)
    {
        while (!buffer.IsEmpty)
        {
            var span = buffer.FirstSpan;
            if (span.IsEmpty)
            {
                var next = buffer.Start;
                buffer.TryGet(ref next, out _);
                buffer = buffer.Slice(next);
                continue;
            }
            var at = 0;
            var done = TryRead(span, ref at, out result);
            _lexer.Offset += at;
            buffer = buffer.Slice(at);
            if (done)
                return true;
        }
        result = default;
        return false;
    }

    bool TryRead(ReadOnlySpan<byte> span, ref int at, out JsonResult result)
    {
        while (true)
        {
            var token = _lexer.Next(span, ref at, out var text);
            if (token == JsonToken.None)
                return CheckUnfinished(out result);
            if (TryTake(token, text, out result))
                return true;
        }
    }

    /// <summary>A token that is still growing may already be too much.</summary>
    bool CheckUnfinished(out JsonResult result)
    {
        result = default;
        if (!_lexer.InToken)
            return false;
        Enter();
        if (_dropping || !IsTooLarge)
            return false;
        result = Drop(QmpErrors.RequestTooLarge(limits.RequestBytes));
        return true;
    }

    bool IsTooLarge => _lexer.TokenEnd - _start > limits.RequestBytes;

    void Enter()
    {
        if (_inMessage)
            return;
        _inMessage = true;
        _start = _lexer.TokenStart;
    }

    /// <summary>One token; true when there is something to tell.</summary>
    bool TryTake(JsonToken token, ReadOnlySpan<byte> text, out JsonResult result)
    {
        Enter();
        result = default;
        var told = !_dropping && TryRefuse(token, text, out result);
        if (token == JsonToken.Stray)
        {
            // The lexer has lost its place, so the brackets counted so far mean nothing: QEMU starts afresh.
            EndMessage();
            return told;
        }
        Count(token);
        if (!told && !_dropping)
            told = TryBuild(token, text, out result);
        if ((_braces <= 0 && _brackets <= 0) || _braces < 0 || _brackets < 0)
            EndMessage();
        return told;
    }

    void Count(JsonToken token)
    {
        switch (token)
        {
            case JsonToken.OpenBrace: _braces++; break;
            case JsonToken.CloseBrace: _braces--; break;
            case JsonToken.OpenBracket: _brackets++; break;
            case JsonToken.CloseBracket: _brackets--; break;
        }
    }

    /// <summary>Refuses a token for its size or for what the lexer thinks of it.</summary>
    bool TryRefuse(JsonToken token, ReadOnlySpan<byte> text, out JsonResult result)
    {
        QmpException? error = null;
        if (IsTooLarge)
            error = QmpErrors.RequestTooLarge(limits.RequestBytes);
        else if (token == JsonToken.Stray)
            error = Located($"stray '{ModifiedUtf8.ForError(text)}'");
        else if ((_tokenBytes += _lexer.TokenEnd - _lexer.TokenStart) > limits.TokenBytes)
            error = QmpErrors.JsonTokenSize();
        else if (++_tokens > limits.Tokens)
            error = QmpErrors.JsonTokenCount();
        // QEMU looks at the depth before the syntax.
        else if (token is JsonToken.OpenBrace or JsonToken.OpenBracket && _braces + _brackets >= limits.Depth)
            error = QmpErrors.JsonNesting();
        result = error is null ? default : Drop(error);
        return error is not null;
    }

    bool TryBuild(JsonToken token, ReadOnlySpan<byte> text, out JsonResult result)
    {
        result = default;
        var complete = _builder.TryAdd(token, text, _lexer.HasEscapes, out var problem);
        if (problem is not null)
            result = Drop(Located(problem));
        else if (complete)
            result = new(_builder.Result, null);
        return complete || problem is not null;
    }

    QmpException Located(string problem) => QmpErrors.JsonParse(_lexer.Line, _lexer.Column, problem);

    /// <summary>From here on the message is read for its brackets only, and nothing of it is kept.</summary>
    JsonResult Drop(QmpException error)
    {
        _dropping = true;
        _lexer.Keep = false;
        _lexer.DropPartial();
        _builder.Reset();
        return new(default, error);
    }

    void EndMessage()
    {
        _inMessage = _dropping = false;
        _lexer.Keep = true;
        _braces = _brackets = _tokens = 0;
        _tokenBytes = 0;
        _builder.Reset();
    }
}
