using System.Text;

namespace HostMemd.Hmp;

/// <summary>A position in a typed line, and the ways in which the monitor reads on from it.</summary>
sealed class CommandLineReader(string text)
{
    // QEMU reads each word into a buffer of 1024 bytes with a NUL at its end, and drops the rest.
    const int WordBytes = 1023;

    public string Text { get; } = text;

    public int At { get; private set; }

    public bool IsAtEnd => At == Text.Length;

    /// <summary>The next character; NUL at the end.</summary>
    public char Peek => IsAtEnd ? '\0' : Text[At];

    public void Skip() => At++;

    /// <summary>The characters of C's isspace, which separate words.</summary>
    public static bool IsBlank(char c) => c is ' ' or (>= '\t' and <= '\r');

    public void SkipBlanks()
    {
        while (!IsAtEnd && IsBlank(Text[At]))
            At++;
    }

    /// <summary>The name of a command, which a slash ends too; null if only blanks are left.</summary>
    public string? ReadName()
    {
        SkipBlanks();
        if (IsAtEnd)
            return null;
        var start = At;
        while (!IsAtEnd && Text[At] != '/' && !IsBlank(Text[At]))
            At++;
        return Text[start..At];
    }

    public string ReadRest()
    {
        var rest = Text[At..];
        At = Text.Length;
        return rest;
    }

    /// <summary>
    /// A word, or a string in double quotes, behind which no blank is needed. False if there is none, the string does not end, or
    /// it has an unknown escape.
    /// </summary>
    public bool TryReadWord(out string word)
    {
        word = "";
        SkipBlanks();
        if (IsAtEnd)
            return false;
        if (Peek == '"')
            return TryReadQuoted(out word);
        var start = At;
        while (!IsAtEnd && !IsBlank(Text[At]))
            At++;
        word = Cut(Text[start..At]);
        return true;
    }

    bool TryReadQuoted(out string word)
    {
        var result = new StringBuilder();
        word = "";
        for (At++; !IsAtEnd && Peek != '"'; At++)
        {
            if (Peek != '\\')
            {
                result.Append(Peek);
                continue;
            }
            At++;
            switch (Peek)
            {
                case 'n': result.Append('\n'); break;
                case 'r': result.Append('\r'); break;
                case '\\' or '\'' or '"': result.Append(Peek); break;
                default: return false;
            }
        }
        if (IsAtEnd)
            return false;
        At++;
        word = Cut(result.ToString());
        return true;
    }

    static string Cut(string word)
    {
        // Three bytes at most for each UTF-16 unit.
        if (word.Length <= WordBytes / 3)
            return word;
        var bytes = Encoding.UTF8.GetBytes(word);
        return bytes.Length <= WordBytes ? word : Encoding.UTF8.GetString(bytes, 0, WordBytes);
    }
}
