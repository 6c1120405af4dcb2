namespace HostMemd.Qapi.Json;

/// <summary>The bytes of a token that a split of the input has cut.</summary>
struct PartialToken
{
    // The buffer is kept from token to token up to this size; otherwise one large string would be held as long as its client stays.
    const int Retained = 16 << 10;

    byte[]? _bytes;
    int _count;

    public readonly bool IsEmpty => _count == 0;

    public void Append(ReadOnlySpan<byte> more)
    {
        var needed = _count + more.Length;
        if (_bytes is null || _bytes.Length < needed)
            Array.Resize(ref _bytes, Math.Max(256, (int)Math.Min(Array.MaxLength, Math.Max(needed, 2L * _count))));
        more.CopyTo(_bytes.AsSpan(_count));
        _count = needed;
    }

    /// <summary>The whole token; valid until the next append.</summary>
    public ReadOnlySpan<byte> Take(ReadOnlySpan<byte> last)
    {
        Append(last);
        var whole = _bytes.AsSpan(0, _count);
        Release();
        return whole;
    }

    public void Release()
    {
        _count = 0;
        if (_bytes?.Length > Retained)
            _bytes = null;
    }
}
