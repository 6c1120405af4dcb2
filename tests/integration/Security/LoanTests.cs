using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>What another user can do with a descriptor that was lent read-only.</summary>
public sealed class LoanTests(ITestOutputHelper output) : SecurityTest(output)
{
    const string Consumer = """
        import json, mmap, os, socket, sys
        client = socket.socket(socket.AF_UNIX)
        client.connect(sys.argv[1])
        stream = client.makefile("rw")
        stream.readline()
        print('{"execute":"qmp_capabilities"}', file=stream, flush=True)
        stream.readline()
        print('{"execute":"memdev-map","arguments":{"id":"m","readonly":%s}}' % sys.argv[2], file=stream, flush=True)
        _, (lent,), _, _ = socket.recv_fds(client, 65536, 1)
        mmap.mmap(lent, 4096, prot=mmap.PROT_READ)
        try:
            os.open(f"/proc/self/fd/{lent}", os.O_RDWR)
            print("opened")
        except PermissionError:
            print("refused")
        """;

    DaemonProcess StartWithMemory(string type)
    {
        var daemon = StartWith("""{ "Access": { "SocketMode": "0666", "AdminUids": [ 65531, 65532, 65533, 65534 ] } }""");
        using var client = daemon.Connect();
        client.Add(type, "m", new() { ["size"] = 4096, ["share"] = true });
        return daemon;
    }

    static string Borrow(DaemonProcess daemon, int uid, bool readOnly) => Harness.Program.Check("setpriv", $"--reuid={uid}", $"--regid={uid}",
        "--clear-groups", "/usr/bin/python3", "-c", Consumer, daemon.SocketPath, readOnly ? "true" : "false");

    [TheoryIf(Need.OtherUsers)]
    [InlineData("memory-backend-memfd")]
    [InlineData("memory-backend-shm")]
    [InlineData("memory-backend-ram")]
    public void ReadOnlyLoan_CannotBeOpenedForWriting_ByAnotherUser(string type)
    {
        var daemon = StartWithMemory(type);

        Assert.Equal("refused\n", Borrow(daemon, 65534, readOnly: true));
    }

    /// <summary>By path, as QEMU opens memory.</summary>
    [TheoryIf(Need.OtherUsers)]
    [InlineData("memory-backend-memfd")]
    [InlineData("memory-backend-shm")]
    [InlineData("memory-backend-ram")]
    public void WritableLoan_CanBeOpenedAgain_ByItsUserAlone(string type)
    {
        var daemon = StartWithMemory(type);

        Assert.Equal("opened\n", Borrow(daemon, 65533, readOnly: false));
        Assert.Equal("opened\n", Borrow(daemon, 65531, readOnly: false));
        Assert.Equal("refused\n", Borrow(daemon, 65532, readOnly: true));
        Assert.Equal("opened\n", Borrow(daemon, 65533, readOnly: false));
    }
}
