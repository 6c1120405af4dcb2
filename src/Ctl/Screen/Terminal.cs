using System.Text;

namespace HostMemd.Ctl.Screen;

/// <summary>Where the output goes: two writers, and what the user sees of them.</summary>
sealed class Terminal
{
    /// <summary>A terminal narrower than this wraps whatever is printed.</summary>
    const int LeastWidth = 20;

    public required TextWriter Out { get; init; }

    public required TextWriter Error { get; init; }

    /// <summary>Standard output is a terminal.</summary>
    public bool IsTerminal { get; init; }

    /// <summary>Standard error is a terminal, so that progress can be shown.</summary>
    public bool ShowsProgress { get; init; }

    /// <summary>Standard input is a terminal, so that the user can be asked.</summary>
    public bool CanAsk { get; init; }

    /// <summary>Escapes for bold and colours may be printed.</summary>
    public bool HasColors { get; init; }

    /// <summary>The terminal shows block characters.</summary>
    public bool IsUnicode { get; init; } = true;

    /// <summary>Columns; null where nothing limits a line.</summary>
    public Func<int?> Width { get; init; } = () => null;

    /// <summary>The process's own.</summary>
    /// <param name="color">auto, always or never.</param>
    public static Terminal Own(string color)
    {
        var isTerminal = !Console.IsOutputRedirected;
        var isDumb = Environment.GetEnvironmentVariable("TERM") is null or "" or "dumb";
        return new()
        {
            Out = new StreamWriter(new StandardOutput(1), new UTF8Encoding(false), 16 << 10),
            Error = new StreamWriter(new StandardOutput(2), new UTF8Encoding(false)) { AutoFlush = true },
            IsTerminal = isTerminal,
            ShowsProgress = !Console.IsErrorRedirected && !isDumb,
            CanAsk = !Console.IsInputRedirected && !Console.IsErrorRedirected,
            HasColors = color == "always" || (color == "auto" && isTerminal && !isDumb
                && Environment.GetEnvironmentVariable("NO_COLOR") is null or ""),
            IsUnicode = IsUtf8((string[])["LC_ALL", "LC_CTYPE", "LANG"]),
            Width = () => isTerminal ? OwnWidth() : null,
        };
    }

    static int? OwnWidth()
    {
        try
        {
            return Console.WindowWidth is >= LeastWidth and var width ? width : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    // locale(7): the first that is set and not empty decides.
    static bool IsUtf8(IEnumerable<string> variables)
    {
        var locale = variables.Select(Environment.GetEnvironmentVariable).FirstOrDefault(v => v is { Length: > 0 }) ?? "";
        return locale.Contains("UTF-8", StringComparison.OrdinalIgnoreCase) || locale.Contains("utf8", StringComparison.OrdinalIgnoreCase);
    }

    public string Bold(string text) => HasColors ? $"\e[1m{text}\e[0m" : text;
}
