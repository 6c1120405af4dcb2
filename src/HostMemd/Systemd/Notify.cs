using System.Diagnostics;
using System.Globalization;
using System.Net.Sockets;
using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Systemd;

/// <summary>Reports to the service manager: sd_notify(3), without the library. Sends nothing when no manager asked for it.</summary>
public sealed class Notify : IDisposable
{
    // For messages that must arrive: without READY=1 systemd ends the start at its time limit.
    const int PatienceMilliseconds = 5000;

    readonly Socket? _socket;
    readonly UnixDomainSocketEndPoint? _address;
    string _status = "";

    /// <param name="address">The value of NOTIFY_SOCKET, or null: a path, or with a leading <c>@</c> an abstract name.</param>
    public Notify(string? address)
    {
        // sd_notify(3): other forms, such as vsock, are not for services of this host.
        if (address is null || address.Length < 2 || address[0] is not ('/' or '@'))
            return;
        try
        {
            _address = new(address[0] == '@' ? "\0" + address[1..] : address);
            // Non-blocking: a manager that does not read must not stop the daemon.
            _socket = new(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified) { Blocking = false };
        }
        catch (Exception unusable) when (unusable is ArgumentException or SocketException)
        {
            _socket = null;
        }
    }

    /// <summary>Reads NOTIFY_SOCKET and removes it, so that child processes do not inherit it.</summary>
    public static Notify FromEnvironment()
    {
        var address = Environment.GetEnvironmentVariable("NOTIFY_SOCKET");
        Environment.SetEnvironmentVariable("NOTIFY_SOCKET", null);
        return new(address);
    }

    /// <summary>A service manager listens.</summary>
    public bool IsEnabled => _socket is not null;

    /// <summary>Clients are served, or a reload is done.</summary>
    public void Ready() => Send("READY=1", null, PatienceMilliseconds);

    public void Stopping() => Send("STOPPING=1", null, PatienceMilliseconds);

    /// <summary>A reload has begun; <see cref="Ready"/> ends it.</summary>
    public void Reloading()
    {
        // On Linux Stopwatch counts the nanoseconds of CLOCK_MONOTONIC, the clock that systemd means.
        var microseconds = Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);
        Send("RELOADING=1\nMONOTONIC_USEC=" + microseconds.ToString(CultureInfo.InvariantCulture), null, PatienceMilliseconds);
    }

    /// <summary>Sets the line of <c>systemctl status</c>. It is sent when it has changed.</summary>
    public void Status(string text)
    {
        if (text == _status)
            return;
        _status = text;
        Send("STATUS=" + text.ReplaceLineEndings(" "));
    }

    /// <summary>Reports to the watchdog of WatchdogSec= that the daemon works.</summary>
    public void Watchdog() => Send("WATCHDOG=1");

    void Send(string state) => Send(state, null, milliseconds: 0);

    /// <summary>Sends a message and perhaps a descriptor with it.</summary>
    /// <param name="state">Lines of <c>NAME=value</c>.</param>
    /// <param name="descriptor">Stays the caller's.</param>
    /// <param name="milliseconds">How long to wait, blocking, for a manager that is slow to read.</param>
    /// <returns>False when the message could not be sent: the manager is gone or does not read.</returns>
    public bool Send(string state, SafeFileHandle? descriptor, int milliseconds)
    {
        if (_socket is null)
            return false;
        var bytes = Encoding.UTF8.GetBytes(state);
        var deadline = Environment.TickCount64 + milliseconds;
        try
        {
            while (true)
            {
                // Some versions of systemd make a new socket when they are re-executed, so each message connects again.
                _socket.Connect(_address!);
                var errno = FdPassing.Send(_socket.SafeHandle, bytes, descriptor, out var sent);
                if (sent == bytes.Length)
                    return true;
                var left = deadline - Environment.TickCount64;
                if (errno != Errno.EAGAIN || left <= 0 || !_socket.Poll((int)Math.Min(left, 1000) * 1000, SelectMode.SelectWrite))
                    return false;
            }
        }
        catch (Exception deaf) when (deaf is SocketException or ObjectDisposedException)
        {
            return false;
        }
    }

    public void Dispose() => _socket?.Dispose();
}
