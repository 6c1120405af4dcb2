using System.Globalization;
using System.Net.Sockets;
using System.Text;
using HostMemd.Client;
using HostMemd.Linux;

namespace HostMemd.Ctl.Reach;

/// <summary>The way to the daemon: a socket here, or ssh and a socket there.</summary>
/// <param name="socket">The option --socket, or null.</param>
/// <param name="host">The option --host, or null.</param>
sealed class Daemon(string? socket, string? host)
{
    /// <summary>The daemon is not this host's: descriptors do not come from there.</summary>
    public bool IsRemote => host is not null;

    /// <summary>How messages name it.</summary>
    public string Name => host is null ? DaemonSocket.Path(socket) : socket is null ? host : $"{host}:{socket}";

    /// <exception cref="CtlException">It cannot be reached; the text says why.</exception>
    public async Task<HostMemdClient> ConnectAsync(bool outOfBand = false, CancellationToken cancellation = default)
    {
        if (host is not null)
            return await SshConnection.OpenAsync(host, socket, outOfBand, cancellation).ConfigureAwait(false);
        return await ReachAsync(path => HostMemdClient.ConnectAsync(path, outOfBand, cancellation)).ConfigureAwait(false);
    }

    /// <summary>The bare socket, without a word said.</summary>
    /// <exception cref="CtlException">It cannot be reached.</exception>
    public Task<Socket> OpenSocketAsync() => ReachAsync(async path =>
    {
        var bare = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            await bare.ConnectAsync(new UnixDomainSocketEndPoint(path is ['@', ..] ? "\0" + path[1..] : path)).ConfigureAwait(false);
            return bare;
        }
        catch
        {
            bare.Dispose();
            throw;
        }
    });

    async Task<T> ReachAsync<T>(Func<string, Task<T>> connect)
    {
        var path = DaemonSocket.Path(socket);
        if (Encoding.UTF8.GetByteCount(path) >= UnixSocket.SunPathBytes)
            throw CtlException.Usage($"the path of a socket has at most {UnixSocket.SunPathBytes - 1} bytes: '{path}'");
        // .NET has another error for a name that is not there.
        if (!path.StartsWith('@') && Files.StatusOf(path, out _) is { Failed: true } error)
            throw Unreachable(path, error.Text, error == Errno.ENOENT);
        try
        {
            return await connect(path).ConfigureAwait(false);
        }
        catch (SocketException refused) when (refused.SocketErrorCode == SocketError.AccessDenied)
        {
            throw new CtlException(ExitStatus.Unreachable, $"no access to {path}: {Errno.EACCES.Text}{Admits(path)}");
        }
        catch (SocketException refused)
        {
            throw Unreachable(path, refused.SocketErrorCode == SocketError.ConnectionRefused ? "nothing listens there" : refused.Message,
                true);
        }
        catch (IOException broken)
        {
            throw new CtlException(ExitStatus.Unreachable, $"{path}: {broken.Message}");
        }
    }

    static CtlException Unreachable(string path, string why, bool mayBeDown) => new(ExitStatus.Unreachable, $"no daemon at {path}: {why}"
        + (mayBeDown && path == DaemonSocket.OfTheSystem ? "; 'systemctl status hostmemd' says more" : ""));

    // Who may connect is what the file's mode says: the group is the one to join.
    static string Admits(string path)
    {
        const uint GroupMayWrite = 0x10; // 0020
        if (Files.StatusOf(path, out var status).Failed || (status.Mode & GroupMayWrite) == 0)
            return "; root may connect";
        return $"; root and the group {GroupName(status.Gid) ?? status.Gid.ToString(CultureInfo.InvariantCulture)} may connect";
    }

    static string? GroupName(uint gid)
    {
        try
        {
            var number = gid.ToString(CultureInfo.InvariantCulture);
            return File.ReadLines("/etc/group").Select(line => line.Split(':'))
                .FirstOrDefault(entry => entry.Length > 2 && entry[2] == number)?[0];
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }
}
