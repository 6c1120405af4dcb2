using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using HostMemd.Linux;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.HostMemd.Systemd;

public sealed class SystemdTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static (Socket Manager, Notify Notify) Pair(string name)
    {
        var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { ReceiveTimeout = 5000 };
        manager.Bind(new UnixDomainSocketEndPoint(name[0] == '@' ? "\0" + name[1..] : name));
        return (manager, new Notify(name));
    }

    static string Received(Socket manager)
    {
        var bytes = new byte[512];
        return Encoding.UTF8.GetString(bytes, 0, manager.Receive(bytes));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Notify_SaysWhatSdNotifySays(bool isAbstract)
    {
        var (manager, notify) = Pair(isAbstract ? "@hostmemd-test-" + Guid.NewGuid() : Path.Combine(_folder, "notify"));
        using (manager)
        using (notify)
        {
            notify.Ready();
            Assert.Equal("READY=1", Received(manager));
            notify.Status("3 objects\n4");
            Assert.Equal("STATUS=3 objects 4", Received(manager));
            notify.Status("3 objects\n4");
            notify.Stopping();
            Assert.Equal("STOPPING=1", Received(manager));
            notify.Reloading();
            Assert.Matches("^RELOADING=1\nMONOTONIC_USEC=[1-9][0-9]*$", Received(manager));
        }
    }

    [Theory]
    [InlineData(null)]
    [InlineData("")]
    [InlineData("@")]
    [InlineData("vsock:2:1")]
    public void Notify_WithoutAManager_IsSilent(string? address)
    {
        using var notify = new Notify(address);

        notify.Ready();

        Assert.False(notify.IsEnabled);
    }

    [Fact]
    public void Notify_ToNobody_IsNoError()
    {
        using var notify = new Notify("/no/such/socket");

        notify.Ready();
    }

    // Numbers as systemd would pass them: descriptors that no object of ours owns.
    static int Passed(Socket socket)
    {
        using var handle = new SafeFileHandle(socket.SafeHandle.DangerousGetHandle(), ownsHandle: false);
        var fd = Passed(handle);
        socket.Dispose();
        return fd;
    }

    static int Passed(SafeFileHandle file)
    {
        Assert.Equal(Errno.None, Files.DuplicateForChild(file, 200, out var passed));
        var fd = (int)passed!.DangerousGetHandle();
        passed.SetHandleAsInvalid();
        return fd;
    }

    [Fact]
    public async Task PassedDescriptors_AreSortedIntoSocketsAndOthers()
    {
        var path = Path.Combine(_folder, "s");
        var listening = Passed(QmpSocket.Listen(path, new(), new()));
        using var file = File.OpenHandle(Path.Combine(_folder, "f"), FileMode.Create, FileAccess.Write);
        var stored = Passed(file);

        var passed = SocketActivation.Take([listening, stored], ["qmp"]);

        var (name, socket) = Assert.Single(passed.Sockets);
        Assert.Equal("qmp", name);
        using var client = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        client.Connect(new UnixDomainSocketEndPoint(path));
        using var accepted = await socket.AcceptAsync();
        var other = Assert.Single(passed.Others);
        Assert.Equal("unknown", other.Name);
        socket.Dispose();
        other.Handle.Dispose();
    }

    [Fact]
    public void PassedSocketOfAnotherKind_IsRefused()
    {
        var datagram = Passed(new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified));

        var refusal = Assert.Throws<StartException>(() => SocketActivation.Take([datagram], ["x"]));

        Assert.Equal($"descriptor {datagram} (x) that was passed is no listening Unix stream socket", refusal.Message);
    }

    [Fact]
    public void PassedNumberThatIsNotOpen_IsRefused() =>
        Assert.Contains("is not open",
            Assert.Throws<StartException>(() => SocketActivation.Take([999999], [])).Message, StringComparison.Ordinal);
}
