using System.ComponentModel;
using System.Diagnostics;
using HostMemd.Client;

namespace HostMemd.Ctl.Reach;

/// <summary>Reaches the daemon of another host: <c>hostmemctl bridge</c> there, with ssh between, as systemctl -H has it.</summary>
static class SshConnection
{
    /// <summary>What ssh is called with.</summary>
    internal static string[] Arguments(string host, string? socket) =>
        ["-xT", "--", host, socket is null ? "hostmemctl bridge" : $"hostmemctl -s {Quoted(socket)} bridge"];

    public static async Task<HostMemdClient> OpenAsync(string host, string? socket, bool outOfBand, CancellationToken cancellation)
    {
        Process ssh;
        try
        {
            ssh = Process.Start(new ProcessStartInfo("ssh", Arguments(host, socket))
            { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        }
        catch (Win32Exception missing)
        {
            throw new CtlException(ExitStatus.Unreachable, $"{host}: cannot start ssh: {missing.Message}");
        }
        try
        {
            var both = new TwoStreams(ssh.StandardOutput.BaseStream, ssh.StandardInput.BaseStream);
            return await HostMemdClient.ConnectAsync(both, outOfBand, cancellation).ConfigureAwait(false);
        }
        catch (IOException)
        {
            // Why is on standard error already, by ssh or by the other hostmemctl.
            throw new CtlException(ExitStatus.Unreachable, $"{host}: no daemon was reached through ssh");
        }
    }

    // The other host's shell reads it.
    static string Quoted(string word) => $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
