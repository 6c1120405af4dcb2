using System.Globalization;

namespace HostMemd.Ctl.Screen;

/// <summary>One column of a list.</summary>
/// <param name="Name">The heading.</param>
/// <param name="Text">What a row has there.</param>
sealed record Column<T>(string Name, Func<T, string> Text)
{
    /// <summary>Numbers stand to the right.</summary>
    public bool IsNumber { get; init; }

    /// <summary>The higher the sooner it is left out on a narrow terminal; 0 never.</summary>
    public int Dispensable { get; init; }

    /// <summary>Only with <c>-o wide</c>, or when it is named.</summary>
    public bool IsWide { get; init; }
}

/// <summary>Writes lists: columns as wide as what is in them, two blanks between, none at the end of a line.</summary>
static class TextTable
{
    const int Gap = 2;

    /// <summary>Writes the rows under their headings.</summary>
    /// <returns>The columns that were left out because the terminal is too narrow.</returns>
    public static IReadOnlyList<string> Write<T>(Terminal terminal, IReadOnlyList<Column<T>> columns, IReadOnlyList<T> rows, bool legend)
    {
        var left = columns.ToList();
        var omitted = new List<string>();
        var cells = columns.ToDictionary(c => c, c => rows.Select(r => Plain(c.Text(r))).ToArray());
        var widths = columns.ToDictionary(c => c, c => cells[c].Select(t => t.Length).Append(legend ? c.Name.Length : 0).Max());
        if (terminal.Width() is { } most)
        {
            while (left.Sum(c => widths[c]) + Gap * (left.Count - 1) > most
                && left.MaxBy(c => c.Dispensable) is { Dispensable: > 0 } least)
            {
                left.Remove(least);
                omitted.Add(least.Name);
            }
        }
        if (legend)
        {
            using var heading = new StringWriter(CultureInfo.InvariantCulture);
            WriteLine(heading, left, widths, c => c.Name);
            terminal.Out.Write(terminal.Bold(heading.ToString()) + "\n");
        }
        for (var i = 0; i < rows.Count; i++)
        {
            var row = i;
            WriteLine(terminal.Out, left, widths, c => cells[c][row]);
            terminal.Out.Write('\n');
        }
        return omitted;
    }

    // Blanks are written when something follows them, so that none is at the end.
    static void WriteLine<T>(TextWriter output, List<Column<T>> columns, Dictionary<Column<T>, int> widths, Func<Column<T>, string> textOf)
    {
        var blanks = 0;
        foreach (var column in columns)
        {
            var text = textOf(column);
            var rest = widths[column] - text.Length;
            if (column.IsNumber)
                blanks += rest;
            if (text.Length > 0)
            {
                for (; blanks > 0; blanks--)
                    output.Write(' ');
                output.Write(text);
            }
            blanks += Gap + (column.IsNumber ? 0 : rest);
        }
    }

    /// <summary>Names of processes and free text may have anything in them: what moves the cursor is not printed.</summary>
    public static string Plain(string text) =>
        text.AsSpan().ContainsAnyInRange('\0', '\u001f') || text.AsSpan().ContainsAnyInRange('\u007f', '\u009f')
            ? string.Concat(text.Select(c => char.IsControl(c) ? '?' : c)) : text;
}
