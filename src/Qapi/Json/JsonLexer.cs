using System.Buffers;
using System.Diagnostics;

namespace HostMemd.Qapi.Json;

/// <summary>
/// Splits bytes, however they arrive, into tokens. A token in one piece is returned in place; only a token that a split cuts is copied to a
/// buffer. The lexer knows nothing of messages.
/// </summary>
sealed class JsonLexer
{
    // Strings take any byte from 20 to FD, FE and FF never occur in UTF-8 and end them like the control bytes do.
    const string NotInText = "\0\u0001\u0002\u0003\u0004\u0005\u0006\u0007\u0008\u0009\u000A\u000B\u000C\u000D\u000E\u000F"
        + "\u0010\u0011\u0012\u0013\u0014\u0015\u0016\u0017\u0018\u0019\u001A\u001B\u001C\u001D\u001E\u001F\u00FE\u00FF";

    static readonly SearchValues<byte> s_endsDoubleQuoted = Bytes(NotInText + "\"\\");
    static readonly SearchValues<byte> s_endsSingleQuoted = Bytes(NotInText + "'\\");

    // QEMU: after a stray byte blanks, TABs and quotes have no meaning.
    static readonly SearchValues<byte> s_endsSkipping = Bytes(NotInText.Replace("\t", "", StringComparison.Ordinal) + "{}[],:");

    static SearchValues<byte> Bytes(string latin1) => SearchValues.Create(latin1.Select(c => (byte)c).ToArray());

    enum State : byte { Between, Skipping, Text, Escape, Number, Keyword }

    State _state;
    NumberState _number;
    byte _quote;
    bool _ahead;
    long _line = 1;
    long _lineStart;
    PartialToken _partial;

    /// <summary>Bytes of the connection before the span that is passed to <see cref="Next"/>.</summary>
    public long Offset { get; set; }

    /// <summary>False while a message is dropped: no token's bytes are kept then, and its text is empty.</summary>
    public bool Keep { get; set; } = true;

    /// <summary>Where the last token, even an incomplete one, starts and ends, counted from the connection's first byte.</summary>
    public long TokenStart { get; private set; }
    public long TokenEnd { get; private set; }

    /// <summary>A token has begun and is not complete.</summary>
    public bool InToken => _state > State.Skipping;

    /// <summary>Line and column of the last token's first byte, as QEMU counts them.</summary>
    public long Line { get; private set; } = 1;
    public long Column { get; private set; } = 1;

    /// <summary>The last token was a string with a backslash inside.</summary>
    public bool HasEscapes { get; private set; }

    /// <summary>Drops the bytes of an incomplete token, but not its kind: brackets in the rest of a string are no brackets.</summary>
    public void DropPartial() => _partial.Release();

    /// <summary>Begins a new text: between tokens, at line 1, column 1.</summary>
    public void Restart()
    {
        DropPartial();
        _state = State.Between;
        _ahead = false;
        _line = 1;
        Offset = _lineStart = 0;
        TokenStart = TokenEnd = 0;
    }

    /// <summary>Reads the next token from <paramref name="at"/>. <paramref name="text"/> is valid until the next call.</summary>
    public JsonToken Next(ReadOnlySpan<byte> span, ref int at, out ReadOnlySpan<byte> text)
    {
        text = default;
        if (_state == State.Skipping)
            Skip(span, ref at);
        else if (_state != State.Between)
            return Scan(span, at, ref at, out text);
        while (at < span.Length)
        {
            var b = span[at];
            switch (b)
            {
                case (byte)' ' or (byte)'\t' or (byte)'\r':
                    at++;
                    _ahead = false;
                    continue;
                case (byte)'\n':
                    at++;
                    _ahead = false;
                    EndLine(at);
                    continue;
            }
            Begin(at);
            switch (b)
            {
                case (byte)'{': return Punctuation(ref at, JsonToken.OpenBrace);
                case (byte)'}': return Punctuation(ref at, JsonToken.CloseBrace);
                case (byte)'[': return Punctuation(ref at, JsonToken.OpenBracket);
                case (byte)']': return Punctuation(ref at, JsonToken.CloseBracket);
                case (byte)',': return Punctuation(ref at, JsonToken.Comma);
                case (byte)':': return Punctuation(ref at, JsonToken.Colon);
                case (byte)'"' or (byte)'\'':
                    _state = State.Text;
                    _quote = b;
                    HasEscapes = false;
                    break;
                case (byte)'-' or (>= (byte)'0' and <= (byte)'9'):
                    _state = State.Number;
                    _number = JsonNumbers.First(b);
                    break;
                case >= (byte)'a' and <= (byte)'z':
                    _state = State.Keyword;
                    break;
                default:
                    at++;
                    return Stray(span, at - 1, at, out text);
            }
            at++;
            return Scan(span, at - 1, ref at, out text);
        }
        return JsonToken.None;
    }

    void Begin(int at)
    {
        TokenStart = Offset + at;
        Line = _line;
        // QEMU counts its look-ahead byte twice, so a token that starts with it is one column off.
        Column = TokenStart - _lineStart + (_ahead ? 2 : 1);
        _ahead = false;
    }

    void EndLine(int next)
    {
        _line++;
        _lineStart = Offset + next;
    }

    JsonToken Punctuation(ref int at, JsonToken token)
    {
        at++;
        TokenEnd = Offset + at;
        return token;
    }

    /// <summary>Reads the token that <see cref="_state"/> is in; its bytes in this span begin at <paramref name="start"/>.</summary>
    JsonToken Scan(ReadOnlySpan<byte> span, int start, ref int at, out ReadOnlySpan<byte> text)
    {
        var token = _state switch
        {
            State.Number => JsonNumbers.Scan(span, ref at, ref _number),
            State.Keyword => ScanKeyword(span, ref at),
            _ => ScanText(span, ref at),
        };
        TokenEnd = Offset + at;
        if (token == JsonToken.Stray)
            return Stray(span, start, at, out text);
        if (token == JsonToken.None)
        {
            if (Keep)
                _partial.Append(span[start..at]);
            text = default;
            return token;
        }
        // Numbers and keywords end where another token begins, which the next call reads.
        _ahead = _state is State.Number or State.Keyword;
        _state = State.Between;
        text = Text(span[start..at]);
        return token;
    }

    static JsonToken ScanKeyword(ReadOnlySpan<byte> span, ref int at)
    {
        var length = span[at..].IndexOfAnyExceptInRange((byte)'a', (byte)'z');
        at = length < 0 ? span.Length : at + length;
        return length < 0 ? JsonToken.None : JsonToken.Keyword;
    }

    JsonToken ScanText(ReadOnlySpan<byte> span, ref int at)
    {
        var ends = _quote == '"' ? s_endsDoubleQuoted : s_endsSingleQuoted;
        while (at < span.Length)
        {
            if (_state == State.Escape)
            {
                // Escapes are checked when the string is decoded, which happens only where a string is due.
                if (span[at++] is < 0x20 or > 0xFD)
                    return JsonToken.Stray;
                _state = State.Text;
                continue;
            }
            var length = span[at..].IndexOfAny(ends);
            if (length < 0)
            {
                at = span.Length;
                break;
            }
            at += length + 1;
            var b = span[at - 1];
            if (b == _quote)
                return JsonToken.String;
            if (b != '\\')
                return JsonToken.Stray;
            HasEscapes = true;
            _state = State.Escape;
        }
        return JsonToken.None;
    }

    JsonToken Stray(ReadOnlySpan<byte> span, int start, int end, out ReadOnlySpan<byte> text)
    {
        TokenEnd = Offset + end;
        _state = State.Skipping;
        if (span[end - 1] == '\n')
            EndLine(end);
        text = Text(span[start..end]);
        return JsonToken.Stray;
    }

    ReadOnlySpan<byte> Text(ReadOnlySpan<byte> last)
    {
        if (!Keep)
            return default;
        return _partial.IsEmpty ? last : _partial.Take(last);
    }

    void Skip(ReadOnlySpan<byte> span, ref int at)
    {
        Debug.Assert(_partial.IsEmpty);
        var length = span[at..].IndexOfAny(s_endsSkipping);
        if (length < 0)
        {
            at = span.Length;
            return;
        }
        at += length;
        _state = State.Between;
        _ahead = true;
    }
}
