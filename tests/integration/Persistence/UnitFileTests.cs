using System.Globalization;
using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Persistence;

/// <summary>systemd verifies the unit files that install.sh installs.</summary>
public sealed partial class UnitFileTests : IDisposable
{
    // Settings of systemd 254 and later, which Debian 12's does not know. The unit says what is lost without them.
    static readonly string[] s_newer = ["FileDescriptorStorePreserve", "RestartSteps", "RestartMaxDelaySec"];

    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-unit-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    string Units => Path.Combine(_folder, "usr/lib/systemd/system");

    string[] Files => [.. Directory.GetFileSystemEntries(_folder, "*", SearchOption.AllDirectories)
        .Select(f => Path.GetRelativePath(_folder, f)).Order(StringComparer.Ordinal)];

    void Install(params string[] more) => Program.Check("sh", [Path.Combine(Repository.Root, "deploy/install.sh"),
        "--prefix", $"{_folder}/usr", "--sysconfdir", $"{_folder}/etc", .. more]);

    void InstallBuilt() => Install("--from", Path.GetDirectoryName(Repository.Daemon)!);

    [Fact]
    public void Install_PutsEverythingInItsPlace_AndTheProgramRuns()
    {
        InstallBuilt();

        Assert.Contains("hostmemd version", Program.Check($"{_folder}/usr/bin/hostmemd", "--version"), StringComparison.Ordinal);
        string[] expected = ["etc/hostmemd/hostmemd.json", "etc/sysusers.d/hostmemd.conf", "etc/tmpfiles.d/hostmemd.conf", "usr/bin/hostmemd",
            "usr/lib/hostmemd/hostmemd", "usr/lib/systemd/system/hostmemd.service", "usr/lib/systemd/system/hostmemd.socket",
            "usr/lib/systemd/system/hostmemd-jsonrpc.socket", "usr/share/man/man1/hostmemctl.1"];
        Assert.All(expected, f => Assert.Contains(f, Files));
        Assert.Contains($"ExecStart={_folder}/usr/bin/hostmemd\n", File.ReadAllText($"{Units}/hostmemd.service"), StringComparison.Ordinal);
    }

    [Fact]
    public void InstallAgain_ReplacesTheProgram_AndLeavesTheConfiguration()
    {
        InstallBuilt();
        File.WriteAllText($"{_folder}/etc/hostmemd/hostmemd.json", "{}");
        File.WriteAllText($"{_folder}/usr/lib/hostmemd/of-an-older-version", "");

        InstallBuilt();

        Assert.Equal("{}", File.ReadAllText($"{_folder}/etc/hostmemd/hostmemd.json"));
        Assert.False(File.Exists($"{_folder}/usr/lib/hostmemd/of-an-older-version"));
    }

    [Fact]
    public void Uninstall_LeavesOnlyTheConfiguration()
    {
        InstallBuilt();

        Install("--uninstall");

        Assert.Equal(["etc/hostmemd/hostmemd.json"], Files.Where(f => File.Exists(Path.Combine(_folder, f))));
    }

    [Fact]
    public void SampleConfiguration_IsAccepted()
    {
        var folder = DaemonProcess.NewFolder();
        using var daemon = DaemonProcess.StartIn(folder, null, "--config", Path.Combine(Repository.Root, "deploy/hostmemd.json"), "--qmp", $"unix:{folder}/qmp.sock");
        using var client = daemon.Connect();

        Assert.Empty(client.Memdevs());
    }

    [FactIf(SystemdAnalyze)]
    public void Verify_FindsNothing()
    {
        InstallBuilt();

        var (_, output, errors) = Program.Run("", "systemd-analyze", "verify", "--man=no", $"{Units}/hostmemd.service", $"{Units}/hostmemd.socket",
            $"{Units}/hostmemd-jsonrpc.socket");

        // Its messages about other units of this machine do not matter.
        var ours = (output + errors).Split('\n').Where(l => l.Contains("hostmemd", StringComparison.Ordinal)
            && !s_newer.Any(n => l.Contains($"Unknown key name '{n}'", StringComparison.Ordinal) || l.Contains($"Unknown key '{n}'", StringComparison.Ordinal)));
        Assert.Empty(ours);
    }

    [FactIf(SystemdAnalyze)]
    public void Security_IsWithinItsBound()
    {
        var (_, output, errors) = Program.Run("", "systemd-analyze", "security", "--offline=yes", "--no-pager",
            Path.Combine(Repository.Root, "deploy/systemd/hostmemd.service"));

        var level = Exposure().Match(output);
        Assert.True(level.Success, output + errors);
        Assert.InRange(double.Parse(level.Groups[1].Value, CultureInfo.InvariantCulture), 0, 1.1);
    }

    [Fact]
    public void EveryDirectiveThatIsNotUsed_CarriesAComment()
    {
        var lines = File.ReadAllLines(Path.Combine(Repository.Root, "deploy/systemd/hostmemd.service"));

        var off = lines.Index().Where(l => Off().IsMatch(l.Item));

        Assert.NotEmpty(off);
        Assert.All(off, l => Assert.StartsWith("# Not", lines[..l.Index].Last(b => b.StartsWith('#')), StringComparison.Ordinal));
    }

    [GeneratedRegex(@"Overall exposure level for \S+: (\d+\.\d)")]
    private static partial Regex Exposure();

    [GeneratedRegex("^(RemoveIPC|PrivateUsers)=no$|^ProcSubset=all$")]
    private static partial Regex Off();
}
