using System.Diagnostics;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Handover;

/// <summary>A process that uses the daemon's memory: consumer.py, which runs the test's commands line by line.</summary>
sealed class Consumer : IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    readonly Process _process;

    /// <param name="daemon">The daemon that owns the memory.</param>
    /// <param name="wrapper">Words in front of its command line: a program that runs another, such as unshare.</param>
    public Consumer(DaemonProcess daemon, params string[] wrapper)
    {
        string[] words = [.. wrapper, "python3", Script("consumer.py"), daemon.SocketPath];
        _process = Process.Start(new ProcessStartInfo(words[0], words[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        Assert.Equal("ready", Line());
        Assert.Equal("ok", Ask("connect"));
    }

    public int Pid => _process.Id;

    public static string Script(string name) => Path.Combine(Repository.Root, "tests/integration/Handover", name);

    /// <summary>Sends a command and returns the answer.</summary>
    public string Ask(string command)
    {
        _process.StandardInput.WriteLine(command);
        _process.StandardInput.Flush();
        return Line();
    }

    /// <summary>Sends a command that must succeed.</summary>
    public void Do(params string[] commands)
    {
        foreach (var command in commands)
            Assert.DoesNotContain("failed", Ask(command), StringComparison.Ordinal);
    }

    string Line()
    {
        var line = _process.StandardOutput.ReadLineAsync();
        Assert.True(line.Wait(s_patience), "the consumer does not answer");
        return line.Result ?? throw new Xunit.Sdk.XunitException("the consumer ended");
    }

    /// <summary>SIGKILL, and its end.</summary>
    public void Kill()
    {
        _process.Kill();
        Assert.True(_process.WaitForExit(s_patience));
    }

    public void Dispose()
    {
        if (!_process.HasExited)
            Kill();
        _process.Dispose();
    }
}
