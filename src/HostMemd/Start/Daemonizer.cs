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
static unsafe class Daemonizer
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
        var pipe = stackalloc int[2];
        if (Posix.pipe2(pipe, Posix.O_CLOEXEC) != 0)
            throw Failed("make a pipe", Errno.Last);
        using var reading = Posix.Own(pipe[0])!;
        int child;
        using (var writing = Posix.Own(pipe[1])!)
        using (var passed = Posix.Own(Posix.fcntl(writing, Posix.F_DUPFD, LowestDescriptor)) ?? throw Failed("pass a pipe", Errno.Last))
            child = Spawn((int)passed.DangerousGetHandle());
        if (ReadLine(reading) is { } line)
        {
            if (line.Length > 0)
                throw new StartException(line);
            return;
        }
        int status;
        while (Posix.waitpid(child, &status, 0) < 0 && Errno.Last == Errno.EINTR)
        {
        }
        throw new StartException((status & 0x7F) == 0
            ? $"the background process ended before it was ready, exit status {(status >> 8) & 0xFF}"
            : $"the background process ended before it was ready, by signal {status & 0x7F}");
    }

    /// <summary>Reports the outcome to the process in the foreground, once. Without one it does nothing.</summary>
    /// <param name="failure">One line; empty when clients are served.</param>
    public static void Report(string failure)
    {
        if (s_foreground is not { Pipe.IsClosed: false } foreground)
            return;
        var line = Encoding.UTF8.GetBytes(failure + "\n");
        fixed (byte* start = line)
            _ = Posix.write(foreground.Pipe, start, (nuint)line.Length);
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
        return Posix.fcntl(pipe, Posix.F_SETFD, Posix.FD_CLOEXEC) == 0 ? (pipe, pid) : null;
    }

    static int Spawn(int pipe)
    {
        // The arguments are passed on as they are, also those of `dotnet hostmemd.dll`. ps shows the executable by its name.
        var arguments = File.ReadAllBytes("/proc/self/cmdline");
        var environment = new StringBuilder();
        foreach (DictionaryEntry variable in Environment.GetEnvironmentVariables())
            environment.Append(CultureInfo.InvariantCulture, $"{variable.Key}={variable.Value}\0");
        environment.Append(CultureInfo.InvariantCulture, $"{Variable}={pipe}:{Environment.ProcessId}\0");
        // glibc's posix_spawn_file_actions_t has 80 bytes, posix_spawnattr_t 336, sigset_t 128; other libraries' are smaller.
        var actions = stackalloc ulong[64];
        var attributes = stackalloc ulong[64];
        var signals = stackalloc ulong[16];
        _ = Posix.posix_spawn_file_actions_init(actions);
        _ = Posix.posix_spawnattr_init(attributes);
        for (var stream = 0; stream <= 2; stream++)
            _ = Posix.posix_spawn_file_actions_addopen(actions, stream, "/dev/null", Posix.O_RDWR, 0);
        _ = Posix.sigemptyset(signals);
        _ = Posix.posix_spawnattr_setsigmask(attributes, signals);
        _ = Posix.sigfillset(signals);
        _ = Posix.posix_spawnattr_setsigdefault(attributes, signals);
        _ = Posix.posix_spawnattr_setflags(attributes,
            Posix.POSIX_SPAWN_SETSID | Posix.POSIX_SPAWN_SETSIGMASK | Posix.POSIX_SPAWN_SETSIGDEF);
        try
        {
            fixed (byte* argumentBytes = arguments)
            fixed (byte* environmentBytes = Encoding.UTF8.GetBytes(environment.ToString()))
            fixed (byte** argv = Pointers(argumentBytes, arguments.Length))
            fixed (byte** envp = Pointers(environmentBytes, Encoding.UTF8.GetByteCount(environment.ToString())))
            {
                int child;
                var error = Posix.posix_spawn(&child, Environment.ProcessPath ?? "/proc/self/exe", actions, attributes, argv, envp);
                return error == 0 ? child : throw Failed("start the background process", new Errno(error));
            }
        }
        finally
        {
            _ = Posix.posix_spawnattr_destroy(attributes);
            _ = Posix.posix_spawn_file_actions_destroy(actions);
        }
    }

    // Pointers to the NUL-terminated strings, and a null at the end.
    static byte*[] Pointers(byte* bytes, int length)
    {
        var count = new ReadOnlySpan<byte>(bytes, length).Count((byte)0);
        var result = new byte*[count + 1];
        for (int i = 0, at = 0; i < count; i++)
        {
            result[i] = bytes + at;
            at += new ReadOnlySpan<byte>(bytes + at, length - at).IndexOf((byte)0) + 1;
        }
        return result;
    }

    // Returns null when the other end was closed without a line.
    static string? ReadLine(SafeFileHandle pipe)
    {
        var bytes = new List<byte>();
        byte one;
        while (true)
        {
            var count = Posix.read(pipe, &one, 1);
            if (count < 0 && Errno.Last == Errno.EINTR)
                continue;
            if (count <= 0)
                return null;
            if (one == '\n')
                return Encoding.UTF8.GetString([.. bytes]);
            bytes.Add(one);
        }
    }

    static StartException Failed(string what, Errno error) => new($"cannot {what}: {error.Text}");
}
