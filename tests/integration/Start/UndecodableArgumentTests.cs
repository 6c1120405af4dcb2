using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Start;

/// <summary>
/// Bytes that are no UTF-8: .NET would make U+FFFD of them, and a file of another name. A shell makes them, since a test cannot pass any.
/// </summary>
public sealed class UndecodableArgumentTests(ITestOutputHelper output) : DaemonTest(output)
{
    // $0 is the daemon, $1 the folder, $b a folder's name of one wrong byte, which is there. The shell removes it, as .NET cannot.
    (int Status, string Errors) Run(string script)
    {
        var (status, _, errors) = Harness.Program.Run("", "timeout", "20", "sh", "-c",
            $"b=$(printf '\\351'); cd \"$1\" && mkdir \"$b\" && ( {script} ); s=$?; rmdir \"$1/$b\" && exit $s", Repository.Daemon, Folder);
        return (status, errors);
    }

    [Theory]
    [InlineData("exec \"$0\" --qmp \"unix:$1/$b/s\"", "--qmp: 'unix:{D}/\\xe9/s' is not UTF-8")]
    [InlineData("exec \"$0\" \"--qmp=unix:$1/$b/s\"", "'--qmp=unix:{D}/\\xe9/s' is not UTF-8")]
    [InlineData("exec \"$0\" --qmp \"unix:$1/s\" --pidfile \"$1/$b/pid\"", "--pidfile: '{D}/\\xe9/pid' is not UTF-8")]
    [InlineData("exec \"$0\" --daemonize --qmp \"unix:$1/s\" --pidfile \"$1/$b/pid\"", "--pidfile: '{D}/\\xe9/pid' is not UTF-8")]
    [InlineData("exec \"$0\" --qmp \"unix:$1/s\" --config \"$1/$b/c\"", "--config: '{D}/\\xe9/c' is not UTF-8")]
    [InlineData("exec \"$0\" --qmp \"unix:$1/s\" --object \"memory-backend-file,id=m,size=1M,mem-path=$1/$b/m\"",
        "--object: 'memory-backend-file,id=m,size=1M,mem-path={D}/\\xe9/m' is not UTF-8")]
    [InlineData("exec \"$0\" --qmp \"unix:$1/s\" --global \"memory-backend-file.mem-path=$1/$b/m\"",
        "--global: 'memory-backend-file.mem-path={D}/\\xe9/m' is not UTF-8")]
    [InlineData("exec \"$0\" --chardev \"socket,id=c,path=$1/$b/s\" --monitor c", "--chardev: 'socket,id=c,path={D}/\\xe9/s' is not UTF-8")]
    [InlineData("RUNTIME_DIRECTORY=\"$1/$b\" exec \"$0\"", "RUNTIME_DIRECTORY: '{D}/\\xe9' is not UTF-8")]
    [InlineData("cd \"$b\" && exec \"$0\" --qmp \"unix:$1/s\" --pidfile pid", "--pidfile pid: 'pid' is relative to a directory whose name is not UTF-8")]
    public void TheyAreRefused_InOneLine_AndNothingIsMade(string script, string line)
    {
        var (status, errors) = Run(script);

        Assert.Equal((1, $"hostmemd: {line.Replace("{D}", Folder, StringComparison.Ordinal)}\n"), (status, errors));
        Assert.Empty(Directory.GetFileSystemEntries(Folder));
    }

    [Fact]
    public void UsersOwnReplacementCharacter_IsAName()
    {
        var folder = Directory.CreateDirectory(Path.Combine(Folder, "\uFFFD")).FullName;

        var daemon = StartIn(folder, "--qmp", $"unix:{folder}/qmp.sock", "--pidfile", folder + "/pid");

        using var client = daemon.Connect();
        Assert.True(File.Exists(folder + "/pid"));
    }
}
