using System.Text;

namespace HostMemd.Fuzz;

/// <summary>A piece of a message: a string with its quotes, a number, a word, a sign. Blanks are not kept.</summary>
readonly record struct Token(string Text)
{
    public bool IsString => Text[0] is '"' or '\'';
    public bool IsScalar => Text[0] is not ('{' or '}' or '[' or ']' or ':' or ',');

    /// <summary>Cuts any bytes into pieces; never fails.</summary>
    public static List<Token> Cut(byte[] bytes)
    {
        var text = Encoding.Latin1.GetString(bytes);
        var tokens = new List<Token>();
        for (var at = 0; at < text.Length;)
        {
            var end = at + 1;
            if (text[at] is '"' or '\'')
            {
                while (end < text.Length && text[end] != text[at])
                    end += text[end] == '\\' ? 2 : 1;
                end = Math.Min(end + 1, text.Length);
            }
            else if (IsWord(text[at]))
            {
                while (end < text.Length && IsWord(text[end]))
                    end++;
            }
            if (!char.IsWhiteSpace(text[at]))
                tokens.Add(new(text[at..end]));
            at = end;
        }
        return tokens;
    }

    static bool IsWord(char c) => char.IsAsciiLetterOrDigit(c) || c is '-' or '+' or '.' or '_' or '%';

    public static byte[] Join(List<Token> tokens)
    {
        var text = new StringBuilder();
        foreach (var token in tokens)
            text.Append(token.Text);
        return Encoding.Latin1.GetBytes(text.ToString());
    }
}
