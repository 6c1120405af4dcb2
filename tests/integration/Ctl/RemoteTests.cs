using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Ctl;

/// <summary>The daemon of another host, through a real sshd that listens on loopback for this test alone.</summary>
public sealed class RemoteTests(ITestOutputHelper output) : CtlTest(output)
{
    sealed class Sshd : IDisposable
    {
        readonly Process _process;

        public Sshd(string folder)
        {
            Folder = folder;
            Directory.CreateDirectory("/run/sshd");
            Program.Check("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{folder}/host");
            Program.Check("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", $"{folder}/user");
            File.Copy($"{folder}/user.pub", $"{folder}/authorized");
            using (var free = new TcpListener(IPAddress.Loopback, 0))
            {
                free.Start();
                Port = ((IPEndPoint)free.LocalEndpoint).Port;
            }
            var path = Path.GetDirectoryName(Repository.Ctl);
            File.WriteAllText($"{folder}/sshd_config", string.Create(CultureInfo.InvariantCulture, $"""
                Port {Port}
                ListenAddress 127.0.0.1
                HostKey {folder}/host
                AuthorizedKeysFile {folder}/authorized
                PidFile none
                StrictModes no
                UsePAM no
                PasswordAuthentication no
                SetEnv PATH={path}:/usr/bin:/bin DOTNET_EnableDiagnostics=0
                """));
            // What hostmemctl starts is "ssh": this one is it, with the test's own port and keys.
            Directory.CreateDirectory($"{folder}/bin");
            File.WriteAllText($"{folder}/bin/ssh", $"""
                #!/bin/sh
                exec {Harness.Program.Find("ssh")} -F none -p {Port} -i {folder}/user -o IdentitiesOnly=yes -o BatchMode=yes \
                    -o UserKnownHostsFile={folder}/known -o StrictHostKeyChecking=accept-new "$@"
                """);
            File.SetUnixFileMode($"{folder}/bin/ssh", (UnixFileMode)0x1ED);
            _process = Process.Start(new ProcessStartInfo("/usr/sbin/sshd", ["-D", "-e", "-f", $"{folder}/sshd_config"])
            { RedirectStandardError = true })!;
            _process.ErrorDataReceived += (_, _) => { };
            _process.BeginErrorReadLine();
            Eventually.True(() =>
            {
                using var probe = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                try
                {
                    probe.Connect(IPAddress.Loopback, Port);
                    return true;
                }
                catch (SocketException)
                {
                    return false;
                }
            }, "an sshd");
        }

        public string Folder { get; }

        public int Port { get; }

        public void Dispose()
        {
            _process.Kill(entireProcessTree: true);
            _process.WaitForExit();
            _process.Dispose();
        }
    }

    Outcome Remote(Sshd sshd, params string[] arguments) => CtlWith(info =>
    {
        info.Environment["PATH"] = $"{sshd.Folder}/bin:{Environment.GetEnvironmentVariable("PATH")}";
        // Of this host, and so not of the other.
        info.Environment["HOSTMEMD_SOCKET"] = "/no/such/socket";
    }, "", ["-H", "root@127.0.0.1", .. arguments]);

    [FactIf(Need.Sshd)]
    public void OtherHost_IsReachedThroughSsh()
    {
        Memfd("m", 8 << 20);
        using var sshd = new Sshd(Folder);
        var socket = Daemon.SocketPath;

        Assert.Equal("m\n", Remote(sshd, "-s", socket, "list", "-q").Out);
        Assert.Matches(@"^m filled: 8M in \d+\.\d s\n$", Remote(sshd, "-s", socket, "fill", "m").Out);
        Assert.Equal(8ul << 20, Resident("m"));
        var refused = Remote(sshd, "-s", socket, "rm", "nosuch");
        Assert.Equal((1, "hostmemctl: nosuch: no such object\n"), (refused.Status, refused.Error));
        var borrowed = Remote(sshd, "-s", socket, "run", "m", "--", "true");
        Assert.Equal((1, "hostmemctl: run: a descriptor does not come from another host\n"), (borrowed.Status, borrowed.Error));
        var away = Remote(sshd, "-s", "/no/such", "list");
        Assert.Equal(3, away.Status);
        Assert.Equal("hostmemctl: no daemon at /no/such: No such file or directory\nhostmemctl: root@127.0.0.1: no daemon was reached "
            + "through ssh\n", away.Error);
    }

    [Fact]
    public void Bridge_IsTheSocket()
    {
        var outcome = CtlWith(null, """{"execute": "qmp_capabilities"}{"execute": "query-name"}""", "bridge");
        Assert.Equal(0, outcome.Status);
        Assert.Equal(3, outcome.Lines.Length);
        Assert.Contains("QMP", outcome.Lines[0], StringComparison.Ordinal);
        Assert.Equal("{\"return\": {}}", outcome.Lines[2].Trim());
    }
}
