using System.Text;
using System.Text.RegularExpressions;

namespace HostMemd.Manual;

/// <summary>Writes a page in the language of mdoc(7): every sentence on a line of its own, and nothing that could be taken for a
/// macro.</summary>
sealed partial class Mdoc
{
    // Of the pages as a whole; mdoc wants a date, and one of each build would make them different every time.
    const string Date = "December 1, 2026";

    readonly StringBuilder _text = new();

    /// <param name="name">Such as <c>hostmemctl</c>.</param>
    /// <param name="section">Such as 1.</param>
    /// <param name="summary">What it is, without a full stop.</param>
    public Mdoc(string name, int section, string summary)
    {
        Line(".\\\" Generated from the tables in src. To write it anew: HOSTMEMD_UPDATE_DOCS=1 dotnet test tests/unit --filter "
            + "ManualPageTests");
        Line($".Dd {Date}");
        Line($".Dt {name.ToUpperInvariant()} {section}");
        Line(".Os HostMemd");
        Section("NAME");
        Line($".Nm {name}");
        Line($".Nd {summary}");
    }

    public override string ToString() => _text.ToString();

    public void Section(string title) => Line($".Sh {title}");

    public void Subsection(string title) => Line($".Ss {Argument(title)}");

    public void Paragraph() => Line(".Pp");

    /// <summary>Running text.</summary>
    public void Text(string text)
    {
        foreach (var sentence in Sentences(Link().Replace(text, "$1").Replace("**", "", StringComparison.Ordinal)))
        {
            var escaped = Escape(sentence);
            Line(escaped is ['.' or '\'', ..] ? "\\&" + escaped : escaped);
        }
    }

    /// <summary>A macro with its arguments as they are.</summary>
    public void Macro(string line) => Line("." + line);

    /// <summary>A list of terms and what they mean.</summary>
    public void List<T>(IEnumerable<T> items, Func<T, string> term, Action<T> describe)
    {
        var all = items.ToArray();
        if (all.Length == 0)
            return;
        Line(".Bl -tag -width Ds");
        foreach (var item in all)
        {
            Line($".It {term(item)}");
            describe(item);
        }
        Line(".El");
    }

    /// <summary>Lines as they are to be shown, such as an example.</summary>
    public void Literal(IEnumerable<string> lines)
    {
        Line(".Bd -literal -offset indent");
        foreach (var line in lines)
        {
            var escaped = Escape(line);
            Line(escaped is ['.' or '\'', ..] ? "\\&" + escaped : escaped);
        }
        Line(".Ed");
    }

    /// <summary>A word as an argument of a macro: quoted where it has blanks, and never a macro itself.</summary>
    public static string Argument(string word)
    {
        var escaped = Escape(word).Replace("\"", "\\(dq", StringComparison.Ordinal);
        // Two or three letters may be a macro's name.
        if (word.Length is 2 or 3 && char.IsUpper(word[0]))
            escaped = "\\&" + escaped;
        return escaped.Contains(' ', StringComparison.Ordinal) ? $"\"{escaped}\"" : escaped.Length == 0 ? "\"\"" : escaped
            is ['.' or ',' or ';' or ':' or '(' or ')' or '[' or ']' or '|' or '?' or '!'] ? "\\&" + escaped : escaped;
    }

    static string Escape(string text) => text.Replace("\\", "\\e", StringComparison.Ordinal).Replace("-", "\\-", StringComparison.Ordinal)
        .Replace("`", "'", StringComparison.Ordinal).Replace("'", "\\(aq", StringComparison.Ordinal)
            .Replace("~", "\\(ti", StringComparison.Ordinal).Replace("^", "\\(ha", StringComparison.Ordinal);

    // mandoc wants a new line after every sentence.
    static IEnumerable<string> Sentences(string text)
    {
        var from = 0;
        for (var i = 0; i + 2 < text.Length; i++)
        {
            if (text[i] is '.' or '!' or '?' && text[i + 1] == ' ' && (char.IsUpper(text[i + 2]) || text[i + 2] is '`' or '-' or '{'))
            {
                yield return text[from..(i + 1)];
                from = i + 2;
            }
        }
        yield return text[from..];
    }

    // The rows' texts are Markdown, for docs.
    [GeneratedRegex(@"\[([^\]]+)\]\([^)\s]+\)")]
    private static partial Regex Link();

    void Line(string text) => _text.Append(text.TrimEnd()).Append('\n');
}
