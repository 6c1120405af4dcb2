using System.Globalization;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Screen;

/// <summary>Numbers of bytes, times and shares, as lists show them.</summary>
static class Sizes
{
    const string Units = "BKMGTPE";

    /// <summary>Powers of 1024, three digits at most: <c>0B</c>, <c>1G</c>, <c>2.24G</c>.</summary>
    public static string Text(ulong bytes)
    {
        var unit = 0;
        // Most are whole, and need no rounding.
        for (; bytes > 0 && bytes % 1024 == 0 && unit < Units.Length - 1; unit++)
            bytes /= 1024;
        if (bytes < 1024)
            return bytes.ToString(CultureInfo.InvariantCulture) + Units[unit];
        var number = (decimal)bytes;
        // What would be rounded up to 1024 is one of the next unit.
        while (Rounded(number) >= 1024 && unit < Units.Length - 1)
        {
            number /= 1024;
            unit++;
        }
        return Rounded(number).ToString("0.##", CultureInfo.InvariantCulture) + Units[unit];
    }

    static decimal Rounded(decimal number) => Math.Round(number, number < 10 ? 2 : number < 100 ? 1 : 0, MidpointRounding.AwayFromZero);

    /// <summary><c>1 object</c>, <c>2 objects</c>.</summary>
    public static string Count(int number, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{number} {noun}{(number == 1 ? "" : "s")}");

    /// <exception cref="CtlException">It is no number of bytes.</exception>
    public static ulong Parse(string text) => Numbers.TryParseSize(text, out var bytes)
        ? bytes : throw CtlException.Usage($"'{text}' is no size: 4096, 512M and 4G are");

    /// <summary>Whole percent, rounded down: 100 means all.</summary>
    public static int Percent(ulong part, ulong whole) => whole == 0 ? 100 : part >= whole ? 100 : (int)((UInt128)part * 100 / whole);

    /// <summary>How long ago: <c>12s</c>, <c>3m</c>, <c>5h</c>, <c>9d</c>.</summary>
    /// <param name="since">Seconds of Unix time.</param>
    /// <param name="now">The same.</param>
    public static string Age(long since, long now)
    {
        var seconds = Math.Max(0, now - since);
        return seconds switch
        {
            < 60 => $"{seconds}s",
            < 3600 => $"{seconds / 60}m",
            < 2 * 86400 => $"{seconds / 3600}h",
            _ => $"{seconds / 86400}d",
        };
    }

    public static string Age(long since) => Age(since, DateTimeOffset.UtcNow.ToUnixTimeSeconds());
}
