using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace HostMemd.Config;

/// <summary>
/// The command line's bytes. .NET makes U+FFFD of what is no UTF-8, and a path would silently become that of another file; all texts of
/// QMP are UTF-8, so such an argument is refused. The kernel is asked only when there is a U+FFFD: it may be the user's own.
/// </summary>
static class ArgumentBytes
{
    const char Replacement = '\uFFFD';

    /// <exception cref="StartException">An argument is no UTF-8.</exception>
    public static void Check(string[] args)
    {
        if (Array.Exists(args, a => a.Contains(Replacement, StringComparison.Ordinal)))
            Check(args, Read("/proc/self/cmdline"));
    }

    /// <param name="args">As .NET reads them.</param>
    /// <param name="line">proc_pid_cmdline(5): those of the process, the program and perhaps its interpreter first, each with a NUL.</param>
    internal static void Check(IReadOnlyList<string> args, ReadOnlySpan<byte> line)
    {
        var words = Split(line);
        var first = words.Count - args.Count;
        for (var i = 0; i < args.Count; i++)
        {
            if (!args[i].Contains(Replacement, StringComparison.Ordinal) || (first >= 0 && Utf8.IsValid(words[first + i])))
                continue;
            var said = first < 0 ? args[i] : Escaped(words[first + i]);
            throw new StartException($"{OptionOf(args, i)}'{said}' is not UTF-8");
        }
    }

    /// <summary>The same for a variable of the environment that names a place.</summary>
    /// <exception cref="StartException">Its value is no UTF-8.</exception>
    public static string? CheckVariable(string name, string? value)
    {
        if (value is null || !value.Contains(Replacement, StringComparison.Ordinal))
            return value;
        var start = Encoding.UTF8.GetBytes(name + "=");
        foreach (var word in Split(Read("/proc/self/environ")))
        {
            if (word.AsSpan().StartsWith(start) && !Utf8.IsValid(word))
                throw new StartException($"{name}: '{Escaped(word.AsSpan(start.Length))}' is not UTF-8");
        }
        return value;
    }

    /// <summary>Path.GetFullPath, which takes a working directory for another one when its name is no UTF-8.</summary>
    /// <exception cref="StartException">The path is relative to such a directory.</exception>
    public static string FullPath(string path)
    {
        var full = Path.GetFullPath(path);
        // The user's own U+FFFD in the directory's name leads there; what .NET made of other bytes leads nowhere.
        return Path.IsPathRooted(path) || !full.Contains(Replacement, StringComparison.Ordinal) || Directory.Exists(Path.GetFullPath("."))
            ? full
            : throw new StartException($"'{path}' is relative to a directory whose name is not UTF-8");
    }

    static byte[] Read(string path)
    {
        try
        {
            return File.ReadAllBytes(path);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Without /proc what was meant cannot be known.
            return [];
        }
    }

    static List<byte[]> Split(ReadOnlySpan<byte> line)
    {
        var words = new List<byte[]>();
        while (line.IndexOf((byte)0) is >= 0 and var end)
        {
            words.Add(line[..end].ToArray());
            line = line[(end + 1)..];
        }
        return words;
    }

    // "--name=value" is named by the text that is quoted.
    static string OptionOf(IReadOnlyList<string> args, int index) =>
        index > 0 && !args[index].StartsWith('-') && args[index - 1].StartsWith("--", StringComparison.Ordinal)
            && !args[index - 1].Contains('=', StringComparison.Ordinal) ? args[index - 1] + ": " : "";

    static string Escaped(ReadOnlySpan<byte> bytes)
    {
        var text = new StringBuilder();
        while (bytes.Length > 0)
        {
            var isText = Rune.DecodeFromUtf8(bytes, out var rune, out var length) == OperationStatus.Done;
            if (isText)
                text.Append(rune.ToString());
            else
                text.Append(CultureInfo.InvariantCulture, $"\\x{bytes[0]:x2}");
            bytes = bytes[(isText ? length : 1)..];
        }
        return text.ToString();
    }
}
