using System.Buffers;
using System.Buffers.Text;
using System.Runtime.CompilerServices;
using System.Text;

namespace HostMemd.Qapi.Json;

/// <summary>Writes numbers, strings and punctuation to a buffer that it requests in pieces, not for each byte.</summary>
/// <remarks>
/// Methods called for each byte or token are inlined by attribute: ReadyToRun would not inline them, and a long reply is written with its
/// code before the runtime has compiled better.
/// </remarks>
ref struct JsonOutput(IBufferWriter<byte> output)
{
    const int Piece = 512;

    Span<byte> _span;
    int _used;

    public void Flush()
    {
        output.Advance(_used);
        _span = default;
        _used = 0;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    void Need(int count)
    {
        if (_span.Length - _used >= count)
            return;
        Flush();
        _span = output.GetSpan(Math.Max(count, Piece));
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Byte(byte b)
    {
        Need(1);
        _span[_used++] = b;
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public void Raw(scoped ReadOnlySpan<byte> bytes)
    {
        Need(bytes.Length);
        bytes.CopyTo(_span[_used..]);
        _used += bytes.Length;
    }

    /// <summary>Writes a line end and the indentation of that depth.</summary>
    public void Line(int depth)
    {
        var blanks = 4 * depth;
        Need(2 + blanks);
        "\r\n"u8.CopyTo(_span[_used..]);
        _span.Slice(_used + 2, blanks).Fill((byte)' ');
        _used += 2 + blanks;
    }

    public void Number(long value)
    {
        Need(20);
        Utf8Formatter.TryFormat(value, _span[_used..], out var count);
        _used += count;
    }

    public void Number(ulong value)
    {
        Need(20);
        Utf8Formatter.TryFormat(value, _span[_used..], out var count);
        _used += count;
    }

    public void Number(double value)
    {
        Need(DoubleText.MaxLength);
        _used += DoubleText.Write(_span[_used..], value);
    }

    public void String(ReadOnlySpan<char> text)
    {
        Byte((byte)'"');
        while (!text.IsEmpty)
        {
            // Long strings are written in pieces: otherwise the pipe would need one contiguous buffer for the whole.
            Need(Math.Min(text.Length, Piece));
            var to = _span[_used..];
            var count = 0;
            while (count < to.Length && count < text.Length && IsPlain(text[count]))
                to[count] = (byte)text[count++];
            _used += count;
            text = text[count..];
            if (!text.IsEmpty && !IsPlain(text[0]))
                text = text[Escape(text)..];
        }
        Byte((byte)'"');
    }

    // Characters that are written as themselves. QEMU escapes neither '/' nor the single quote.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    static bool IsPlain(char c) => c is >= ' ' and <= '~' and not ('"' or '\\');

    /// <summary>Writes the escape for the first character of <paramref name="text"/>; returns its UTF-16 units.</summary>
    int Escape(ReadOnlySpan<char> text)
    {
        var letter = text[0] switch
        {
            '"' or '\\' => text[0],
            '\b' => 'b',
            '\f' => 'f',
            '\n' => 'n',
            '\r' => 'r',
            '\t' => 't',
            _ => '\0',
        };
        if (letter != '\0')
        {
            Raw([(byte)'\\', (byte)letter]);
            return 1;
        }
        // Rune turns a lone surrogate into U+FFFD. For QEMU noncharacters are invalid, too.
        Rune.DecodeFromUtf16(text, out var rune, out var units);
        if (!ModifiedUtf8.IsCharacter(rune.Value))
            rune = Rune.ReplacementChar;
        Span<char> written = stackalloc char[2];
        foreach (var unit in written[..rune.EncodeToUtf16(written)])
            Unit(unit);
        return units;
    }

    void Unit(char unit)
    {
        Need(6);
        var to = _span[_used..];
        to[0] = (byte)'\\';
        to[1] = (byte)'u';
        Utf8Formatter.TryFormat((uint)unit, to[2..], out _, new StandardFormat('X', 4));
        _used += 6;
    }
}
