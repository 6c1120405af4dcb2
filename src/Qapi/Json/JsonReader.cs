using System.Buffers;
using HostMemd.Qapi;

namespace HostMemd.Qapi.Json;

/// <summary>
/// One client's input: bytes in any split become values and errors, in order. Values are built while the bytes arrive.
/// An error is reported at the token that causes it; the rest of that message is then read and dropped. A message ends where its brackets
/// are closed, whatever its syntax.
/// </summary>
public sealed class JsonReader(JsonLimits limits)
{
    readonly JsonLexer _lexer = new();

    // State of the message under way.
    JsonBuilder? _builder;
    JsonResult _result;
    bool _inMessage;
    bool _dropping;
    long _start;
    int _braces;
    int _brackets;
    int _tokens;
    long _tokenBytes;

    /// <summary>Bytes of the message that is not complete yet. Its values take up to some 30 times as much memory.</summary>
    public long PendingBytes => _inMessage && !_dropping ? _lexer.TokenEnd - _start : 0;

    /// <summary>Reuses the objects of a message for the next ones. The caller guarantees that no code refers to any part of it.</summary>
    public static void Recycle(Value message) => JsonBuilder.Recycle(message);

    /// <summary>
    /// Consumes bytes from the front of <paramref name="buffer"/> until one result is complete (true) or the buffer is empty (false).
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
            var told = TryRead(span, ref at);
            _lexer.Offset += at;
            buffer = buffer.Slice(at);
            if (told)
            {
                result = _result;
                _result = default;
                return true;
            }
        }
        result = default;
        return false;
    }

    /// <summary>
    /// Ends the text, for clients whose framing says where a message ends: the next byte begins another one, at line 1. True when the end
    /// completes a number or a keyword, or is an error since more was due.
    /// </summary>
    public bool TryEnd(out JsonResult result)
    {
        // A number or a keyword ends where something else begins; other tokens are not changed by a blank.
        var at = 0;
        var found = TryRead(" "u8, ref at);
        if (_inMessage)
        {
            found |= !_dropping && Drop(Located("premature end of input"));
            EndMessage();
        }
        _lexer.Restart();
        result = _result;
        _result = default;
        return found;
    }

    /// <summary>True when <see cref="_result"/> is set.</summary>
    bool TryRead(ReadOnlySpan<byte> span, ref int at)
    {
        while (true)
        {
            var token = _lexer.Next(span, ref at, out var text);
            if (token == JsonToken.None)
                return IsUnfinishedTooLarge();
            if (TryTake(token, text))
                return true;
        }
    }

    /// <summary>Refuses a token that is too large before it is complete.</summary>
    bool IsUnfinishedTooLarge()
    {
        if (!_lexer.InToken)
            return false;
        Enter();
        return !_dropping && IsTooLarge && Drop(QmpErrors.RequestTooLarge(limits.RequestBytes));
    }

    bool IsTooLarge => limits.RequestBytes.IsPassedBy(_lexer.TokenEnd - _start);

    void Enter()
    {
        if (_inMessage)
            return;
        _inMessage = true;
        _builder = JsonBuilder.Take();
        _start = _lexer.TokenStart;
    }

    /// <summary>Takes one token; true when <see cref="_result"/> is set.</summary>
    bool TryTake(JsonToken token, ReadOnlySpan<byte> text)
    {
        Enter();
        var told = !_dropping && Refuses(token, text);
        if (token == JsonToken.Stray)
        {
            // The lexer has lost its place, so the brackets counted so far mean nothing. QEMU starts afresh, too.
            EndMessage();
            return told;
        }
        Count(token);
        if (!_dropping)
            told = TryBuild(token, text);
        if ((_braces | _brackets) <= 0)
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

    /// <summary>Refuses a token that is too large or that the lexer found to be none.</summary>
    bool Refuses(JsonToken token, ReadOnlySpan<byte> text)
    {
        if (IsTooLarge)
            return Drop(QmpErrors.RequestTooLarge(limits.RequestBytes));
        if (token == JsonToken.Stray)
            return Drop(Located(ErrorText.Quoting("stray '"u8, text, "'"u8)));
        if ((_tokenBytes += _lexer.TokenEnd - _lexer.TokenStart) > limits.TokenBytes)
            return Drop(QmpErrors.JsonTokenSize());
        if (++_tokens > limits.Tokens)
            return Drop(QmpErrors.JsonTokenCount());
        // QEMU checks the depth before the syntax.
        if (token is JsonToken.OpenBrace or JsonToken.OpenBracket && _braces + _brackets >= limits.Depth)
            return Drop(QmpErrors.JsonNesting());
        return false;
    }

    bool TryBuild(JsonToken token, ReadOnlySpan<byte> text)
    {
        var complete = _builder!.TryAdd(token, text, _lexer.HasEscapes, out var problem);
        if (problem is not null)
            return Drop(Located(problem));
        if (complete)
            _result = new(_builder.Result, null);
        return complete;
    }

    QmpException Located(string problem) => QmpErrors.JsonParse(_lexer.Line, _lexer.Column, problem);

    /// <summary>Reads the rest of the message for its brackets only, and keeps nothing of it.</summary>
    bool Drop(QmpException error)
    {
        _dropping = true;
        _lexer.Keep = false;
        _lexer.DropPartial();
        _builder!.Reset();
        _result = new(default, error);
        return true;
    }

    void EndMessage()
    {
        _inMessage = _dropping = false;
        _lexer.Keep = true;
        _braces = _brackets = _tokens = 0;
        _tokenBytes = 0;
        _builder!.GiveBack();
        _builder = null;
    }
}
