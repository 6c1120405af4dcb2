using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Peers;

/// <summary>The real qmp-shell of qemu.qmp, plain and with -H.</summary>
public sealed class QmpShellTests(ITestOutputHelper output) : DaemonTest(output)
{
    [FactIf(Need.QemuReference)]
    public void Shell_MakesReadsChangesAndDeletesMemory()
    {
        var text = FollowedQemu.Shell(Daemon.SocketPath, """
            object-add qom-type=memory-backend-ram id=m size=1048576
            qom-set path=/objects/m property=merge value=false
            qom-get path=/objects/m property=merge
            query-memdev
            object-del id=m
            object-del id=m

            """);

        Assert.Contains("{\"return\": false}", text, StringComparison.Ordinal);
        Assert.Contains("\"id\": \"m\"", text, StringComparison.Ordinal);
        Assert.Contains("object 'm' not found", text, StringComparison.Ordinal);
        using var client = Daemon.Connect();
        Assert.Empty(client.Memdevs());
    }

    [FactIf(Need.QemuReference)]
    public void Shell_IsToldOurVersion()
    {
        var text = FollowedQemu.Shell(Daemon.SocketPath, "query-version\n", "-v");

        Assert.Contains("hostmemd", text, StringComparison.Ordinal);
    }

    [FactIf(Need.QemuReference)]
    public void HumanShell_MakesAndShowsMemory()
    {
        var text = FollowedQemu.Shell(Daemon.SocketPath, """
            object_add memory-backend-ram,id=m,size=1M
            info memdev
            qom-get /objects/m size
            object_del m
            nonsense

            """, "-H");

        Assert.Contains("memory backend: m", text, StringComparison.Ordinal);
        Assert.Contains("1048576", text, StringComparison.Ordinal);
        Assert.Contains("unknown command: 'nonsense'", text, StringComparison.Ordinal);
    }
}
