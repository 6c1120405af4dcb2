using System.Collections;
using System.Globalization;
using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// <c>--daemonize</c>. A process with a runtime's threads cannot fork, so it starts the same executable with the same arguments again, in
/// a session of its own and without standard streams. The first process waits for one line on a pipe: empty when the second one serves
/// clients, otherwise the reason.
/// </summary>
static class Daemonizer
{
    // DESCRIPTOR:PID of the process in the foreground.
    const string Variable = "HOSTMEMD_DAEMONIZED";

    // Above the descriptors that systemd passes.
    const int LowestDescriptor = 100;

    static readonly (SafeFileHandle Pipe, int Foreground)? s_foreground = ReadVariable();

    /// <summary>Whether this is the process in the background.</summary>
    public static bool IsBackground => s_foreground is not null;

    /// <summary>The process that the user started, when it is not this one.</summary>
    public static int? ForegroundPid => s_foreground?.Foreground;

    /// <summary>Starts the background process and waits until it serves or ends.</summary>
    /// <exception cref="StartException">It could not be started or has ended.</exception>
    public static void Start()
    {
        Check(Pipes.Create(out var reading, out var writing), "make a pipe");
        using var input = reading!;
        int child;
        using (writing)
        {
            Check(Files.DuplicateForChild(writing!, LowestDescriptor, out var passed), "pass a pipe");
            using (passed)
                child = Spawn((int)passed!.DangerousGetHandle());
        }
        if (ReadLine(input) is { } line)
        {
            if (line.Length > 0)
                throw new StartException(line);
            return;
        }
        const string Early = "the background process ended before it was ready";
        if (Processes.WaitFor(child, out var ended).Failed)
            throw new StartException(Early);
        throw new StartException(ended.Signal == 0 ? $"{Early}, exit status {ended.Code}" : $"{Early}, by signal {ended.Signal}");
    }

    /// <summary>Reports the outcome to the process in the foreground, once. Without one it does nothing.</summary>
    /// <param name="failure">One line; empty when clients are served.</param>
    public static void Report(string failure)
    {
        if (s_foreground is not { Pipe.IsClosed: false } foreground)
            return;
        ReadOnlySpan<byte> line = Encoding.UTF8.GetBytes(failure + "\n");
        while (line.Length > 0 && Files.Write(foreground.Pipe, line, out var written).Ok)
            line = line[written..];
        foreground.Pipe.Dispose();
    }

    static (SafeFileHandle, int)? ReadVariable()
    {
        var parts = (Environment.GetEnvironmentVariable(Variable) ?? "").Split(':');
        Environment.SetEnvironmentVariable(Variable, null);
        if (parts.Length != 2 || !int.TryParse(parts[0], out var fd) || !int.TryParse(parts[1], out var pid))
            return null;
        var pipe = new SafeFileHandle(fd, ownsHandle: true);
        // No process that the daemon starts may keep the pipe open.
        return Files.CloseOnExec(pipe).Ok ? (pipe, pid) : null;
    }

    static int Spawn(int pipe)
    {
        // The arguments are passed on as they are, also those of `dotnet hostmemd.dll`. ps shows the executable by its name.
        var arguments = File.ReadAllBytes("/proc/self/cmdline");
        var environment = new StringBuilder();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            environment.Append(CultureInfo.InvariantCulture, $"{variable.Key}={variable.Value}\0");
        environment.Append(CultureInfo.InvariantCulture, $"{Variable}={pipe}:{Environment.ProcessId}\0");
        var errno = Processes.StartDetached(Environment.ProcessPath ?? "/proc/self/exe", arguments,
            Encoding.UTF8.GetBytes(environment.ToString()), out var child);
        Check(errno, "start the background process");
        return child;
    }

    // Returns null when the other end was closed without a line.
    static string? ReadLine(SafeFileHandle pipe)
    {
        var bytes = new List<byte>();
        Span<byte> one = stackalloc byte[1];
        while (Files.Read(pipe, one, out var count).Ok && count > 0)
        {
            if (one[0] == '\n')
                return Encoding.UTF8.GetString([.. bytes]);
            bytes.Add(one[0]);
        }
        return null;
    }

    static void Check(Errno errno, string what)
    {
        if (errno.Failed)
            throw new StartException($"cannot {what}: {errno.Text}");
    }
}
