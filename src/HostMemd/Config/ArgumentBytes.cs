using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Unicode;

namespace HostMemd.Config;

/// <summary>
/// Refuses arguments that are no UTF-8. .NET replaces their bytes by U+FFFD, so a path would silently become that of another file. The
/// kernel is asked only when an argument has a U+FFFD, which the user may have written.
/// </summary>
static class ArgumentBytes
{
    const char Replacement = '\uFFFD';

    /// <summary>Checks all arguments.</summary>
    /// <exception cref="StartException">An argument is no UTF-8.</exception>
    public static void Check(string[] args)
    {
        if (Array.Exists(args, a => a.Contains(Replacement, StringComparison.Ordinal)))
            Check(args, Read("/proc/self/cmdline"));
    }

    /// <summary>Checks all arguments against the kernel's.</summary>
    /// <param name="args">The arguments as .NET reads them.</param>
    /// <param name="line">The process's own (proc_pid_cmdline(5)): the program and perhaps its interpreter first, each with a NUL.</param>
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

    /// <summary>Returns the value of an environment variable that names a place.</summary>
    /// <exception cref="StartException">The value is no UTF-8.</exception>
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

    /// <summary>As Path.GetFullPath, but refuses a path relative to a working directory whose name .NET cannot read.</summary>
    /// <exception cref="StartException">The working directory's name is no UTF-8.</exception>
    public static string FullPath(string path)
    {
        var full = Path.GetFullPath(path);
        // A U+FFFD that is part of the directory's name leads to the directory; one that .NET put there leads nowhere.
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
            // Without /proc the bytes are not known.
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

    // The quoted text of "--name=value" has the name already.
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
