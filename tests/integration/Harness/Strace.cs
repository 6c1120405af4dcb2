using System.Diagnostics;

namespace HostMemd.Integration.Harness;

/// <summary>strace(1) on a running process, all of its threads and those to come, from here until it is disposed. Needs <see cref="Need.Strace"/>.</summary>
sealed class Strace : IDisposable
{
    readonly string _output = Path.GetTempFileName();
    readonly Process _strace;
    bool _ended;

    /// <param name="pid">The process.</param>
    /// <param name="expressions">Values of <c>-e</c>.</param>
    public Strace(int pid, params string[] expressions)
    {
        _strace = Process.Start("strace", ["-f", "-qq", "-o", _output, "-p", $"{pid}", .. expressions.SelectMany(e => (string[])["-e", e])]);
        Eventually.True(() => Directory.GetDirectories($"/proc/{pid}/task").All(IsTraced), "all threads to be traced");
    }

    /// <summary>Detaches.</summary>
    /// <returns>What it has written, a line for each call.</returns>
    public string[] End()
    {
        const int SIGINT = 2;
        _ended = true;
        // Killed, it might leave a thread stopped.
        Wire.Signal(_strace.Id, SIGINT);
        if (!_strace.WaitForExit(TimeSpan.FromSeconds(30)))
        {
            // A traced process that was killed can leave it waiting for a thread that is gone.
            _strace.Kill();
            Assert.Fail("strace does not end");
        }
        return File.ReadAllLines(_output);
    }

    static bool IsTraced(string task)
    {
        try
        {
            return !File.ReadAllText(task + "/status").Contains("TracerPid:\t0\n", StringComparison.Ordinal);
        }
        catch (IOException)
        {
            // A thread that has ended.
            return true;
        }
    }

    public void Dispose()
    {
        if (!_ended)
            End();
        _strace.Dispose();
        File.Delete(_output);
    }
}
