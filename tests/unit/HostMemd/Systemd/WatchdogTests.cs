using System.Net.Sockets;
using System.Text;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.HostMemd.Systemd;

public sealed class WatchdogTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    static bool Hears(Socket manager, int milliseconds)
    {
        var bytes = new byte[64];
        return manager.Poll(milliseconds * 1000, SelectMode.SelectRead)
            && Encoding.ASCII.GetString(bytes, 0, manager.Receive(bytes)) == "WATCHDOG=1";
    }

    [Fact]
    public void RegistryThatHangs_IsNotReportedWell_UntilItAnswersAgain()
    {
        var path = Path.Combine(_folder, "notify");
        using var manager = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        manager.Bind(new UnixDomainSocketEndPoint(path));
        using var notify = new Notify(path);
        var daemon = new Daemon(new(), NullLoggerFactory.Instance);
        var state = daemon.State;
        Environment.SetEnvironmentVariable("WATCHDOG_USEC", "200000");
        using var watchdog = Watchdog.Start(notify, daemon.IsAlive);
        Assert.NotNull(watchdog);
        Assert.True(Hears(manager, 10_000));

        using (state.Enter())
        {
            // What was sent before the lock was ours.
            while (Hears(manager, 150))
            {
            }
            Assert.False(Hears(manager, 600));
        }

        Assert.True(Hears(manager, 10_000));
    }
}
