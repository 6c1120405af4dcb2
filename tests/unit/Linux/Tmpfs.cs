using System.Diagnostics;

namespace HostMemd.Unit.Linux;

/// <summary>A tmpfs of 1 MiB for as long as a test class runs; not mounted without root, where its tests are skipped.</summary>
public sealed class Tmpfs : IDisposable
{
    readonly bool _mounted;

    public Tmpfs()
    {
        if (!Environment.IsPrivilegedProcess)
            return;
        Run("mount", "-t", "tmpfs", "-o", "size=1m", "hostmemd-test", Path);
        _mounted = true;
    }

    public string Path { get; } = Directory.CreateTempSubdirectory("hostmemd-tmpfs-").FullName;

    public void Dispose()
    {
        if (_mounted)
            Run("umount", Path);
        Directory.Delete(Path);
    }

    static void Run(string program, params string[] arguments)
    {
        using var process = Process.Start(program, arguments);
        process.WaitForExit();
        Assert.Equal(0, process.ExitCode);
    }
}
