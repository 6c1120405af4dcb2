using System.Collections;
using System.Globalization;
using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Start;

/// <summary>
/// <c>--daemonize</c>. A process with a runtime's threads cannot fork, so it runs itself again: the same executable with the same
/// arguments, in a session of its own and without standard streams. The first one waits for one line on a pipe: empty for
/// "clients are served", else why not.
/// </summary>
static class Daemonizer
{
    // DESCRIPTOR:PID of the process in the foreground.
    const string Variable = "HOSTMEMD_DAEMONIZED";

    // Above those that systemd passes.
    const int LowestDescriptor = 100;

    static readonly (SafeFileHandle Pipe, int Foreground)? s_told = ReadVariable();

    /// <summary>This is the process in the background.</summary>
    public static bool IsBackground => s_told is not null;

    /// <summary>The process that was started by the user, when it is not this one.</summary>
    public static int? ForegroundPid => s_told?.Foreground;

    /// <summary>Starts the background process and waits until it serves or gives up.</summary>
    /// <exception cref="StartException">It gave up.</exception>
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

    /// <summary>In the background: tells the process in the foreground how it went, once.</summary>
    public static void Report(string failure)
    {
        if (s_told is not { Pipe.IsClosed: false } told)
            return;
        ReadOnlySpan<byte> line = Encoding.UTF8.GetBytes(failure + "\n");
        while (line.Length > 0 && Files.Write(told.Pipe, line, out var written).Ok)
            line = line[written..];
        told.Pipe.Dispose();
    }

    static (SafeFileHandle, int)? ReadVariable()
    {
        var parts = (Environment.GetEnvironmentVariable(Variable) ?? "").Split(':');
        Environment.SetEnvironmentVariable(Variable, null);
        if (parts.Length != 2 || !int.TryParse(parts[0], out var fd) || !int.TryParse(parts[1], out var pid))
            return null;
        var pipe = new SafeFileHandle(fd, ownsHandle: true);
        // No process that we start may keep the pipe open.
        return Files.CloseOnExec(pipe).Ok ? (pipe, pid) : null;
    }

    static int Spawn(int pipe)
    {
        // The arguments as they are, also those of `dotnet hostmemd.dll`; the executable by its name, which ps shows.
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

    /// <summary>The line, or null when the other end was closed without one.</summary>
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
