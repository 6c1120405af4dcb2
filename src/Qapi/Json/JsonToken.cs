namespace HostMemd.Qapi.Json;

/// <summary>What the lexer tells apart. Keywords are not looked at: only the parser knows whether one is due.</summary>
enum JsonToken : byte
{
    /// <summary>The bytes are used up before a token is complete.</summary>
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

    /// <summary>Bytes that no token can begin or go on with; the lexer skips what follows.</summary>
    Stray,
}
