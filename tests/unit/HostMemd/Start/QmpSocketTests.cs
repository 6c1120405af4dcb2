using System.Net.Sockets;
using HostMemd.Config;
using HostMemd.Linux;
using HostMemd.Start;

namespace HostMemd.Unit.HostMemd.Start;

public sealed class QmpSocketTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-").FullName;
    readonly OwnedFiles _owned = new();

    string Path => System.IO.Path.Combine(_folder, "qmp.sock");

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    Socket Listen(AccessOptions? access = null) => QmpSocket.Listen(Path, access ?? new(), _owned);

    static uint ModeOf(string path)
    {
        Assert.Equal(Errno.None, Files.StatusOf(path, out var status));
        return status.Mode & 0x1FF;
    }

    static Socket Connected(string path)
    {
        var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(path));
        return client;
    }

    [Fact]
    public async Task Socket_Accepts()
    {
        using var listener = Listen();
        using var client = Connected(Path);

        using var accepted = await listener.AcceptAsync();

        Assert.True(accepted.Connected);
    }

    [Theory]
    [InlineData(0x180)] // 0600
    [InlineData(0x1B6)] // 0666, whatever the umask
    public void Mode_IsTheConfiguredOne(uint mode)
    {
        using var listener = Listen(new() { SocketMode = mode });

        Assert.Equal(mode, ModeOf(Path));
    }

    [Fact]
    public void ClosingTheListener_LeavesTheFile_RemovingTakesIt()
    {
        Listen().Dispose();
        Assert.True(File.Exists(Path));

        _owned.Remove(directories: false);

        Assert.False(File.Exists(Path));
    }

    [Fact]
    public void FileThatSomebodyElsePutThere_Stays()
    {
        using var listener = Listen();
        File.Delete(Path);
        File.WriteAllText(Path, "theirs");

        _owned.Remove(directories: false);

        Assert.Equal("theirs", File.ReadAllText(Path));
    }

    [Fact]
    public void StaleSocket_IsReplaced()
    {
        Listen().Dispose();

        using var listener = Listen();
        using var client = Connected(Path);

        Assert.True(client.Connected);
    }

    [Fact]
    public void AnsweringSocket_IsRefused_AndStays()
    {
        using var first = Listen();

        Assert.Equal($"{Path} is in use by another process", Assert.Throws<StartException>(() => Listen()).Message);
        using var client = Connected(Path);
    }

    [Fact]
    public void OtherFile_IsRefused_AndStays()
    {
        File.WriteAllText(Path, "precious");

        Assert.Equal($"{Path} exists and is no socket", Assert.Throws<StartException>(() => Listen()).Message);
        Assert.Equal("precious", File.ReadAllText(Path));
    }

    [Fact]
    public void LongPath_IsRefusedInQemusWords() =>
        Assert.Equal($"UNIX socket path '/{new string('a', 107)}' is too long: it must be less than 108 bytes",
            Assert.Throws<StartException>(() => QmpSocket.Listen("/" + new string('a', 107), new(), _owned)).Message);

    [Fact]
    public void MissingDirectory_IsRefusedInQemusWords() =>
        Assert.Equal("Failed to bind socket to /no/such/x: No such file or directory",
            Assert.Throws<StartException>(() => QmpSocket.Listen("/no/such/x", new(), _owned)).Message);

    [Fact]
    public void DefaultSocket_IsInTheRuntimeDirectory_ElseInTheUsersOne()
    {
        var variables = new Dictionary<string, string?> { ["XDG_RUNTIME_DIR"] = _folder };

        Assert.Equal(_folder + "/hostmemd/qmp.sock", DefaultSocket.Prepare(variables.GetValueOrDefault, isRoot: false, _owned));
        Assert.Equal(0x1C0u, ModeOf(_folder + "/hostmemd"));

        variables["RUNTIME_DIRECTORY"] = _folder + ":/other";
        Assert.Equal(_folder + "/qmp.sock", DefaultSocket.Prepare(variables.GetValueOrDefault, isRoot: false, _owned));

        _owned.Remove(directories: true);
        Assert.False(Directory.Exists(_folder + "/hostmemd"));
    }

    [Fact]
    public void DefaultSocket_OfAUserWithoutARuntimeDirectory_IsRefused() =>
        Assert.Throws<StartException>(() => DefaultSocket.Prepare(_ => null, isRoot: false, _owned));
}
