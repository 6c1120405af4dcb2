using System.Globalization;
using System.Text.RegularExpressions;

namespace HostMemd.Unit.HostMemd.Logging;

/// <summary>A number identifies a log line: no two lines share one, and each file counts upwards, which shows the next free one.</summary>
public sealed partial class EventIdTests
{
    static readonly (string File, int[] Ids)[] s_files = [.. Sources.Below("src", "*.cs")
        .Select(file => (file, Declared().Matches(Sources.Read(file)).Select(NumberOf).ToArray()))
        .Where(f => f.Item2.Length > 0)];

    [Fact]
    public void Ids_AreUnique()
    {
        Assert.NotEmpty(s_files);
        Assert.Empty(s_files.SelectMany(f => f.Ids).GroupBy(id => id).Where(same => same.Count() > 1).Select(same => same.Key));
    }

    [Fact]
    public void Ids_AreInOrder() => Assert.All(s_files, f => Assert.Equal(f.Ids.Order(), f.Ids));

    static int NumberOf(Match declared) => int.Parse(declared.Groups[1].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"\[LoggerMessage\((\d+),")]
    private static partial Regex Declared();
}
