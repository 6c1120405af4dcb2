using HostMemd.Config;

namespace HostMemd.Unit.HostMemd.Config;

/// <summary>
/// The texts that are written from the tables. To bring them up to date:
/// HOSTMEMD_UPDATE_DOCS=1 dotnet test tests/unit --filter SettingsManualTests
/// </summary>
public class SettingsManualTests
{
    [Fact]
    public void Manual_IsCurrent() => IsCurrent("docs/settings.md", SettingsManual.Write());

    [Fact]
    public void Sample_IsCurrent() => IsCurrent("deploy/hostmemd.json", SampleFile.Write());

    [Fact]
    public void Manual_HasEveryRow()
    {
        var manual = SettingsManual.Write();

        Assert.All(OptionTable.All.Select(option => option.Synopsis.Replace("|", "\\|", StringComparison.Ordinal)),
            synopsis => Assert.Contains($"\n| `{synopsis}` |", manual, StringComparison.Ordinal));
        Assert.All(SettingTable.All.SelectMany(key => key.Members.Prepend(key)),
            key => Assert.Contains($"\n| `{key.Name}` |", manual, StringComparison.Ordinal));
        Assert.All(LimitTable.All, limit => Assert.Contains(limit.Why, manual, StringComparison.Ordinal));
    }

    [Fact]
    public void Help_HasEveryOptionAndLimit()
    {
        var help = HelpText.Write();

        Assert.All(OptionTable.All, option => Assert.Contains($"\n  {option.Synopsis}\n", help, StringComparison.Ordinal));
        Assert.All(LimitTable.All, limit => Assert.Contains($"\n  {limit.Name}={limit.DefaultText}", help, StringComparison.Ordinal));
    }

    [Fact]
    public void EverySection_IsDescribed() => Assert.All(SettingTable.All.Select(key => key.Section).Where(section => section != ""),
        section => Assert.Contains(SettingTable.Sections, described => described.Path == section));

    static void IsCurrent(string file, string written)
    {
        var path = Path.Combine(Sources.Root, file);
        if (Environment.GetEnvironmentVariable("HOSTMEMD_UPDATE_DOCS") == "1")
            File.WriteAllText(path, written);
        Assert.Equal(File.Exists(path) ? File.ReadAllText(path) : "", written);
    }
}
