using System.Globalization;
using HostMemd.Start;

namespace HostMemd.Unit.HostMemd.Start;

public sealed class PidFileTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-").FullName;
    readonly OwnedFiles _owned = new();

    string Path => System.IO.Path.Combine(_folder, "pid");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void PidFile_HasThePid_AndGoesAtTheEnd()
    {
        using var held = PidFile.Create(Path, _owned);
        Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n", File.ReadAllText(Path));

        _owned.Remove(directories: false);

        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void StalePidFile_IsOverwritten()
    {
        File.WriteAllText(Path, "99999999999999999999\n");

        using var held = PidFile.Create(Path, _owned);

        Assert.Equal(Environment.ProcessId.ToString(CultureInfo.InvariantCulture) + "\n", File.ReadAllText(Path));
    }

    [Fact]
    public void HeldPidFile_IsRefusedInQemusWords_UntilItIsReleased()
    {
        using (PidFile.Create(Path, _owned))
        {
            Assert.Equal("cannot create PID file: Cannot lock pid file: Resource temporarily unavailable",
                Assert.Throws<StartException>(() => PidFile.Create(Path, _owned)).Message);
        }
        PidFile.Create(Path, _owned).Dispose();
    }

    [Fact]
    public void MissingDirectory_IsRefusedInQemusWords() =>
        Assert.Equal("cannot create PID file: Could not create '/no/such/pid': No such file or directory",
            Assert.Throws<StartException>(() => PidFile.Create("/no/such/pid", _owned)).Message);
}
