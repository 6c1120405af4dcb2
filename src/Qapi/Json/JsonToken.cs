namespace HostMemd.Qapi.Json;

/// <summary>The kinds of token. The lexer does not check keywords: only the parser knows whether one is due.</summary>
enum JsonToken : byte
{
    /// <summary>The bytes end before a token is complete.</summary>
    None,
    OpenBrace,
    CloseBrace,
    OpenBracket,
    CloseBracket,
    Comma,
    Colon,
    String,
    Integer,
    Float,
    Keyword,

    /// <summary>Bytes that no token can begin or continue with; the lexer skips the following ones.</summary>
    Stray,
}
