using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <param name="Values">Strings, and objects and lists made of dotted keys.</param>
/// <param name="Help">A bare <c>help</c> or <c>?</c> was among them.</param>
sealed record KeyVal(Members Values, bool Help);

/// <summary>
/// The dialect of <c>TYPE,key=value,list.0=value</c>. A comma in a value is doubled, a key with dots makes an object, and the last value of
/// a key counts. All values are strings, which the caller converts.
/// </summary>
ref struct KeyValParser
{
    // QEMU: a part of a key goes into a buffer of 128 bytes.
    const int PartLength = 127;

    readonly ReadOnlySpan<char> _text;
    readonly string _impliedKey;
    readonly KeyValNode _root = new();
    bool _help;
    int _at;

    KeyValParser(string text, string impliedKey)
    {
        _text = text;
        _impliedKey = impliedKey;
    }

    /// <param name="text">The line.</param>
    /// <param name="impliedKey">The key of a first value without one.</param>
    /// <exception cref="QmpException">The text is no such line.</exception>
    public static KeyVal Parse(string text, string impliedKey)
    {
        var parser = new KeyValParser(text, impliedKey);
        while (parser._at < text.Length)
            parser.ReadOne();
        var values = parser._root.ToValue("");
        return new(values.TryObject(out var members) ? members : Members.None, parser._help);
    }

    void ReadOne()
    {
        var rest = _text[_at..];
        var end = rest.IndexOfAny('=', ',');
        var key = end < 0 ? rest : rest[..end];
        var isFirst = _at == 0;
        if (!key.IsEmpty && (end < 0 || rest[end] == ','))
        {
            if (key is "help" or "?")
            {
                _help = true;
                _at += key.Length;
                SkipComma();
                return;
            }
            if (isFirst)
            {
                // A doubled comma has no meaning here: the type ends at the first one.
                _root.Put(_impliedKey, key.ToString(), _impliedKey);
                _at += key.Length;
                SkipComma();
                return;
            }
        }
        var owner = Descend(key, out var last);
        _at += key.Length;
        if (_at == _text.Length || _text[_at] != '=')
            throw HmpErrors.ExpectedEquals(key.ToString());
        _at++;
        owner.Put(last, ReadValue(), key.ToString());
    }

    /// <summary>Checks the key and makes the objects that its dots stand for.</summary>
    readonly KeyValNode Descend(ReadOnlySpan<char> key, out string last)
    {
        var node = _root;
        last = "";
        for (var at = 0; ; at++)
        {
            var length = PartOf(key[at..], isFirst: at == 0);
            if (length == 0 || (at + length < key.Length && key[at + length] != '.'))
                throw QmpErrors.InvalidParameter(key.ToString());
            var part = key.Slice(at, length).ToString();
            if (length > PartLength)
                throw HmpErrors.TooLong(length == key.Length ? "Parameter" : "Parameter fragment", part);
            // Only now, because QEMU reports a bad part before a clash in front of it.
            if (at > 0)
                node = node.Below(last, key[..(at - 1)].ToString());
            last = part;
            at += length;
            if (at == key.Length)
                return node;
        }
    }

    // Only the first part cannot be an index.
    static int PartOf(ReadOnlySpan<char> key, bool isFirst)
    {
        var digits = isFirst ? 0 : key.IndexOfAnyExceptInRange('0', '9');
        return digits < 0 ? key.Length : digits > 0 ? digits : QapiName(key);
    }

    /// <summary>
    /// The length of the name at the start, or 0. QEMU's schema: a letter, then letters, digits, '-' and '_', perhaps behind a
    /// vendor's <c>__example.com_</c>.
    /// </summary>
    static int QapiName(ReadOnlySpan<char> text)
    {
        var start = 0;
        if (text.StartsWith("__"))
        {
            start = 2;
            while (start < text.Length && (char.IsAsciiLetterOrDigit(text[start]) || text[start] is '-' or '.'))
                start++;
            if (start == text.Length || text[start] != '_')
                return 0;
            start++;
        }
        if (start == text.Length || !char.IsAsciiLetter(text[start]))
            return 0;
        var end = start;
        while (end < text.Length && (char.IsAsciiLetterOrDigit(text[end]) || text[end] is '-' or '_'))
            end++;
        return end;
    }

    string ReadValue()
    {
        var start = _at;
        while (_at < _text.Length)
        {
            if (_text[_at] == ',')
            {
                if (_at + 1 == _text.Length || _text[_at + 1] != ',')
                    break;
                _at++;
            }
            _at++;
        }
        var value = _text[start.._at].ToString().Replace(",,", ",", StringComparison.Ordinal);
        SkipComma();
        return value;
    }

    void SkipComma()
    {
        if (_at < _text.Length && _text[_at] == ',')
            _at++;
    }
}
