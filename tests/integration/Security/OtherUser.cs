using System.Diagnostics;
using System.Text.Json;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Security;

/// <summary>
/// A client that another user runs. It sends a line and reads one. <c>@N</c> before a line attaches N descriptors, <c>!</c> expects no reply.
/// </summary>
sealed class OtherUser : IDisposable
{
    const string Script = """
        import os, socket, sys
        s = socket.socket(socket.AF_UNIX)
        s.connect(sys.argv[1])
        s.settimeout(60)
        text, lent = b'', 0
        def line():
            global text, lent
            while b'\n' not in text:
                data, fds, flags, address = socket.recv_fds(s, 65536, 64)
                lent += len(fds)
                if not data:
                    print('END', flush=True)
                    return
                text += data
            first, text = text.split(b'\n', 1)
            print(lent, first.decode().strip(), flush=True)
        line()
        for request in sys.stdin:
            count = 0
            if request[0] == '@':
                word, request = request[1:].split(' ', 1)
                count = int(word)
            silent = request[0] == '!'
            request = request[1:] if silent else request
            fds = [os.open('/dev/null', os.O_RDWR) for _ in range(count)]
            try:
                socket.send_fds(s, [request.encode()], fds)
                if silent:
                    print(lent, 'sent', flush=True)
                else:
                    line()
            except OSError:
                print('END', flush=True)
            for fd in fds:
                os.close(fd)
        """;

    readonly Process _process;

    /// <param name="daemon">A daemon whose socket other users can open.</param>
    /// <param name="uid">The client's user.</param>
    /// <param name="gid">The client's group.</param>
    /// <param name="groups">Further groups, separated by commas; null for none.</param>
    public OtherUser(DaemonProcess daemon, uint uid, uint gid = 65534, string? groups = null)
    {
        var info = new ProcessStartInfo("setpriv",
            [$"--reuid={uid}", $"--regid={gid}", groups is null ? "--clear-groups" : $"--groups={groups}",
                // An absolute path: the first python3 in PATH may be in a home directory that the user cannot enter.
                "/usr/bin/python3", "-c", Script, daemon.SocketPath])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = "/",
        };
        _process = Process.Start(info)!;
        Greeting = Read();
    }

    /// <summary>The greeting, or <c>END</c>.</summary>
    public string Greeting { get; }

    public bool IsServed => Greeting != "END";

    public int Pid => _process.Id;

    /// <summary>The number of descriptors received so far.</summary>
    public int Lent { get; private set; }

    public static OtherUser Negotiated(DaemonProcess daemon, uint uid, uint gid = 65534, string? groups = null)
    {
        var user = new OtherUser(daemon, uid, gid, groups);
        Assert.Contains("QMP", user.Greeting, StringComparison.Ordinal);
        Assert.Equal("{\"return\": {}}", user.Line("{\"execute\":\"qmp_capabilities\"}"));
        return user;
    }

    public string Line(string request, int descriptors = 0)
    {
        _process.StandardInput.WriteLine(descriptors > 0 ? $"@{descriptors} {request}" : request);
        _process.StandardInput.Flush();
        return Read();
    }

    /// <summary>Sends text that has no reply, without a newline.</summary>
    public void Send(string text, int descriptors) => Assert.Equal("sent", Line(descriptors > 0 ? $"@{descriptors} !{text}" : "!" + text));

    public JsonElement Ask(string request) => QmpClient.Parse(Line(request));

    public string Refusal(string request) => Ask(request).GetProperty("error").GetProperty("desc").GetString()!;

    string Read()
    {
        var line = _process.StandardOutput.ReadLine();
        if (line is null)
            Assert.Fail("the other user's client ended: " + _process.StandardError.ReadToEnd());
        if (line == "END")
            return line;
        var blank = line.IndexOf(' ', StringComparison.Ordinal);
        Lent = int.Parse(line[..blank], System.Globalization.CultureInfo.InvariantCulture);
        return line[(blank + 1)..];
    }

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
