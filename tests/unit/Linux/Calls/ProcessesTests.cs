using System.Text;
using HostMemd.Linux;

namespace HostMemd.Unit.Linux;

public class ProcessesTests
{
    static byte[] Strings(params string[] all) => Encoding.UTF8.GetBytes(string.Concat(all.Select(one => one + '\0')));

    static ExitStatus Run(string script, params string[] environment)
    {
        Assert.Equal(Errno.None, Processes.StartDetached("/bin/sh", Strings("sh", "-c", script), Strings(environment), out var pid));
        Assert.Equal(Errno.None, Processes.WaitFor(pid, out var ended));
        return ended;
    }

    [Fact]
    public void StatusOfAProcessThatExits_IsItsCode() => Assert.Equal((0, 7), (Run("exit 7").Signal, Run("exit 7").Code));

    [Fact]
    public void StatusOfAProcessThatASignalEnds_IsTheSignal() => Assert.Equal(9, Run("kill -9 $$").Signal);

    [Fact]
    public void Process_HasTheEnvironmentItIsGiven() => Assert.Equal(3, Run("exit $CODE", "CODE=3").Code);

    // proc_pid_stat(5): field 6 is the session.
    [Fact]
    public void Process_IsDetached() =>
        Assert.Equal(0, Run("""
            test "$(readlink /proc/$$/fd/0 /proc/$$/fd/1 /proc/$$/fd/2 | sort -u)" = /dev/null || exit 1
            set -- $(cat /proc/$$/stat); test "$6" = $$ || exit 2
            """, "PATH=/usr/bin:/bin").Code);

    [Fact]
    public void ExecutableThatIsMissing_IsReported()
    {
        Assert.Equal(Errno.ENOENT, Processes.StartDetached("/no/such/file", Strings("x"), [], out var pid));
        Assert.Equal(0, pid);
        Assert.Equal(Errno.EINVAL, Processes.StartDetached("/bin/sh\0", Strings("x"), [], out _));
    }

    [Fact]
    public void WaitForNoChild_IsReported() => Assert.Equal(Errno.ECHILD, Processes.WaitFor(1, out _));
}
