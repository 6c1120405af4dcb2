using System.Net.Sockets;
using System.Text;
using HostMemd.Client;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Client;

/// <summary>The other end of a client: says what the test tells it to, when the test tells it to.</summary>
sealed class FakeDaemon : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-client-").FullName;
    readonly Socket _listener = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    Socket? _socket;
    StreamReader? _lines;

    public FakeDaemon()
    {
        _listener.Bind(new UnixDomainSocketEndPoint(Path));
        _listener.Listen();
    }

    public string Path => System.IO.Path.Combine(_folder, "qmp.sock");

    /// <summary>A client that has negotiated.</summary>
    public async Task<HostMemdClient> ClientAsync()
    {
        var connecting = HostMemdClient.ConnectAsync(Path);
        await AcceptAsync();
        Send("""{"QMP": {"version": {"qemu": {"micro": 2, "minor": 1, "major": 11}, "package": "fake 1"}, "capabilities": ["oob"]}}""");
        Assert.Contains("qmp_capabilities", await LineAsync(), StringComparison.Ordinal);
        Send("""{"return": {}, "id": 1}""");
        return await connecting;
    }

    public async Task AcceptAsync()
    {
        _socket = await _listener.AcceptAsync();
        _lines = new(new NetworkStream(_socket));
    }

    /// <summary>What the client sent next.</summary>
    public async Task<string> LineAsync() => await _lines!.ReadLineAsync().WaitAsync(TimeSpan.FromSeconds(30)) ?? "the end";

    public void Send(string line) => _socket!.Send(Encoding.UTF8.GetBytes(line + "\r\n"));

    /// <summary>A line that brings a descriptor; it is closed here.</summary>
    public void Send(string line, SafeFileHandle descriptor)
    {
        var bytes = Encoding.UTF8.GetBytes(line + "\r\n");
        using (descriptor)
        {
            Assert.Equal(Errno.None, FdPassing.Send(_socket!.SafeHandle, bytes, descriptor, out var sent));
            Assert.Equal(bytes.Length, sent);
        }
    }

    /// <summary>The reply to memdev-map for a file of that content, the memory being what comes behind the offset.</summary>
    public void Lend(int id, string mapping, string content, bool withDescriptor = true, int offset = 0)
    {
        var path = System.IO.Path.Combine(_folder, mapping);
        File.WriteAllText(path, content);
        var line = $$$"""{"return": {"mapping": "{{{mapping}}}", "id": "m", "size": {{{content.Length - offset}}}, "page-size": 4096, "share": true, "readonly": false, "offset": {{{offset}}}, "path": "{{{path}}}", "since-then": "new"}, "id": {{{id}}}}""";
        if (withDescriptor)
            Send(line, File.OpenHandle(path, FileMode.Open, FileAccess.ReadWrite));
        else
            Send(line);
    }

    public void Close() => _socket!.Dispose();

    public void Dispose()
    {
        _lines?.Dispose();
        _socket?.Dispose();
        _listener.Dispose();
        Directory.Delete(_folder, recursive: true);
    }
}
