using HostMemd.Qapi;

namespace HostMemd.Qapi.Json;

/// <summary>
/// Builds one value from tokens. The open objects and arrays are on a stack of this class, so that no input can exhaust the thread's; the
/// elements of the open arrays are on another one until they are counted.
/// </summary>
sealed class JsonBuilder
{
    // One for each thread, not for each client: a client's own would be cold in the CPU's cache whenever its turn comes.
    [ThreadStatic]
    static JsonBuilder? s_spare;

    // The stacks are kept for the next message up to this size.
    const int RetainedLevels = 64;
    const int RetainedElements = 1024;

    /// <summary>What may come next.</summary>
    enum Due : byte { Value, FirstElement, AfterElement, FirstKey, Key, Colon, AfterMember }

    struct Level
    {
        public Members? Members;
        public string? Key;
        public int FirstElement;
        public bool IsObject;
    }

    // Containers of finished messages. Few: a command has two or three.
    const int Spares = 8;

    readonly StringCache _cache = new();
    readonly Members[] _spares = new Members[Spares];
    int _spareCount;

    Level[] _levels = new Level[8];
    Value[] _elements = new Value[16];
    int _depth;
    int _elementCount;
    Due _due;

    /// <summary>The last message, once <see cref="TryAdd"/> has reported that it is complete.</summary>
    public Value Result { get; private set; }

    /// <summary>Lends a builder for the message that begins, until <see cref="GiveBack"/>.</summary>
    public static JsonBuilder Take()
    {
        var taken = s_spare ?? new();
        s_spare = null;
        return taken;
    }

    /// <summary>Ends the loan with the message. The next reader on this thread gets the same builder.</summary>
    public void GiveBack()
    {
        Reset();
        s_spare = this;
    }

    public void Reset()
    {
        Result = default;
        _due = Due.Value;
        if (_depth > 0 || _elementCount > 0)
        {
            _levels.AsSpan(0, _depth).Clear();
            _elements.AsSpan(0, _elementCount).Clear();
            _depth = _elementCount = 0;
        }
        if (_levels.Length > RetainedLevels)
            _levels = new Level[8];
        if (_elements.Length > RetainedElements)
            _elements = new Value[16];
    }

    /// <summary>Takes back the objects of a message that is no longer referred to, so that a steady stream allocates none.</summary>
    public static void Recycle(Value message) => s_spare?.KeepObjects(message);

    void KeepObjects(Value message)
    {
        // Two levels are the envelope and its arguments. Deeper and large containers are left to the collector.
        if (!message.TryObject(out var members) || !IsSpare(members))
            return;
        foreach (var (_, member) in members.Span)
        {
            if (member.TryObject(out var inner) && IsSpare(inner))
                Keep(inner);
        }
        Keep(members);
    }

    bool IsSpare(Members members) => members.Count is > 0 and <= 16 && _spareCount < Spares - 1;

    void Keep(Members members)
    {
        members.Clear();
        _spares[_spareCount++] = members;
    }

    /// <summary>Takes one token; true when it completes the message. <paramref name="error"/> is set when the token does not fit.</summary>
    public bool TryAdd(JsonToken token, ReadOnlySpan<byte> text, bool hasEscapes, out string? error)
    {
        error = null;
        switch (_due)
        {
            case Due.AfterMember when token == JsonToken.Comma:
                _due = Due.Key;
                return false;
            case Due.AfterMember or Due.FirstKey when token == JsonToken.CloseBrace:
                return CloseObject(out error);
            case Due.AfterMember:
                error = "expected ',' or '}'";
                return false;
            case Due.AfterElement when token == JsonToken.Comma:
                _due = Due.Value;
                return false;
            case Due.AfterElement or Due.FirstElement when token == JsonToken.CloseBracket:
                return CloseArray(out error);
            case Due.AfterElement:
                error = "expected ',' or ']'";
                return false;
            case Due.FirstKey or Due.Key:
                ReadKey(token, text, hasEscapes, out error);
                return false;
            case Due.Colon:
                error = token == JsonToken.Colon ? null : "expecting ':'";
                _due = Due.Value;
                return false;
            default:
                return ReadValue(token, text, hasEscapes, out error);
        }
    }

    void ReadKey(JsonToken token, ReadOnlySpan<byte> text, bool hasEscapes, out string? error)
    {
        if (token != JsonToken.String)
        {
            error = "expecting key";
            return;
        }
        _levels[_depth - 1].Key = JsonStrings.Decode(text, hasEscapes, _cache, out error);
        _due = Due.Colon;
    }

    bool ReadValue(JsonToken token, ReadOnlySpan<byte> text, bool hasEscapes, out string? error)
    {
        error = null;
        switch (token)
        {
            case JsonToken.OpenBrace:
                Open(isObject: true);
                return false;
            case JsonToken.OpenBracket:
                Open(isObject: false);
                return false;
            case JsonToken.String:
                return JsonStrings.Decode(text, hasEscapes, _cache, out error) is { } content && Complete(Value.From(content), out error);
            case JsonToken.Integer:
                return Complete(JsonNumbers.Integer(text), out error);
            case JsonToken.Float:
                return Complete(JsonNumbers.Float(text), out error);
            case JsonToken.Keyword when text.SequenceEqual("true"u8):
                return Complete(Value.From(true), out error);
            case JsonToken.Keyword when text.SequenceEqual("false"u8):
                return Complete(Value.From(false), out error);
            case JsonToken.Keyword when text.SequenceEqual("null"u8):
                return Complete(Value.Null, out error);
            case JsonToken.Keyword:
                error = ErrorText.Quoting("invalid keyword '"u8, text, "'"u8);
                return false;
            default:
                error = "expecting value";
                return false;
        }
    }

    void Open(bool isObject)
    {
        if (_depth == _levels.Length)
            Array.Resize(ref _levels, _depth * 2);
        _levels[_depth++] = new() { IsObject = isObject, FirstElement = _elementCount };
        _due = isObject ? Due.FirstKey : Due.FirstElement;
    }

    bool CloseObject(out string? error)
    {
        var members = _levels[--_depth].Members;
        _levels[_depth] = default;
        return Complete(members is null ? Value.Empty : Value.From(members), out error);
    }

    bool CloseArray(out string? error)
    {
        var first = _levels[--_depth].FirstElement;
        var items = _elements.AsSpan(first, _elementCount - first);
        var list = Value.From(items.IsEmpty ? [] : items.ToArray());
        items.Clear();
        _elementCount = first;
        return Complete(list, out error);
    }

    /// <summary>Adds a value that the current token completes. QEMU reports the second use of a key at that token.</summary>
    bool Complete(Value value, out string? error)
    {
        error = null;
        if (_depth == 0)
        {
            Result = value;
            return true;
        }
        ref var level = ref _levels[_depth - 1];
        if (level.IsObject)
        {
            level.Members ??= _spareCount > 0 ? _spares[--_spareCount] : new Members();
            if (!level.Members.TryAdd(level.Key!, value))
                error = "duplicate key";
            _due = Due.AfterMember;
            return false;
        }
        if (_elementCount == _elements.Length)
            Array.Resize(ref _elements, _elementCount * 2);
        _elements[_elementCount++] = value;
        _due = Due.AfterElement;
        return false;
    }
}
