using System.Globalization;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using HostMemd.Linux;
using HostMemd.Start;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Systemd;

/// <summary>A descriptor, other than a socket, that the service manager passed, with its name.</summary>
public sealed record PassedDescriptor(string Name, SafeFileHandle Handle);

/// <summary>The descriptors that systemd passed: sd_listen_fds(3), without the library.</summary>
public sealed class SocketActivation
{
    // sd_listen_fds(3): SD_LISTEN_FDS_START.
    const int FirstDescriptor = 3;

    SocketActivation(List<(string, Socket)> sockets, IReadOnlyList<PassedDescriptor> others)
    {
        Sockets = sockets;
        Others = others;
    }

    /// <summary>The listening sockets and their names.</summary>
    public List<(string Name, Socket Socket)> Sockets { get; }

    /// <summary>All other descriptors, in the order passed. The caller owns them.</summary>
    public IReadOnlyList<PassedDescriptor> Others { get; }

    /// <summary>Takes the descriptors passed to this process, once. The environment variables are removed.</summary>
    /// <exception cref="StartException">A variable is malformed, or a socket is of another kind.</exception>
    public static SocketActivation Take()
    {
        var forWhom = Consume("LISTEN_PID");
        var count = Consume("LISTEN_FDS");
        var names = Consume("LISTEN_FDNAMES");
        _ = Consume("LISTEN_PIDFDID");
        // A parent may have forgotten to remove variables that were meant for it.
        if (count is null || forWhom != (Daemonizer.ForegroundPid ?? Environment.ProcessId).ToString(CultureInfo.InvariantCulture))
            return new([], []);
        if (!int.TryParse(count, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || number > int.MaxValue - FirstDescriptor)
            throw new StartException($"LISTEN_FDS is '{count}', which is no number of descriptors");
        return Take(Enumerable.Range(FirstDescriptor, number).ToArray(), names?.Split(':') ?? []);
    }

    internal static SocketActivation Take(ReadOnlySpan<int> descriptors, ReadOnlySpan<string> names)
    {
        const uint S_IFSOCK = 0xC000;
        var sockets = new List<(string, Socket)>();
        var others = new List<PassedDescriptor>();
        for (var i = 0; i < descriptors.Length; i++)
        {
            // sd_listen_fds_with_names(3): a descriptor without a name is called "unknown".
            var name = i < names.Length && names[i].Length > 0 ? names[i] : "unknown";
            var handle = new SafeFileHandle(descriptors[i], ownsHandle: true);
            if (Files.CloseOnExec(handle).Failed || Files.Status(handle, out var status).Failed)
                throw Unusable("not open");
            if ((status.Mode & Files.S_IFMT) != S_IFSOCK)
                others.Add(new(name, handle));
            else if (IsListening(handle))
                sockets.Add((name, QmpSocket.Adopt(handle)));
            else
                throw Unusable("no listening Unix stream socket");

            StartException Unusable(string what)
            {
                var number = handle.DangerousGetHandle();
                handle.Dispose();
                return new($"descriptor {number} ({name}) that was passed is {what}");
            }
        }
        return new(sockets, others);
    }

    static bool IsListening(SafeFileHandle socket) => Option(socket, UnixSocket.SO_DOMAIN) == UnixSocket.AF_UNIX
        && Option(socket, UnixSocket.SO_TYPE) == UnixSocket.SOCK_STREAM && Option(socket, UnixSocket.SO_ACCEPTCONN) == 1;

    static int Option(SafeFileHandle socket, int option)
    {
        Span<int> value = stackalloc int[1];
        return UnixSocket.Option(socket, option, MemoryMarshal.AsBytes(value), out _).Ok ? value[0] : -1;
    }

    static string? Consume(string name)
    {
        var value = Environment.GetEnvironmentVariable(name);
        Environment.SetEnvironmentVariable(name, null);
        return value;
    }
}
