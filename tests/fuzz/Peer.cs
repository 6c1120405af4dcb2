using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;

namespace HostMemd.Fuzz;

/// <summary>One of the two that are compared. It is started again when it has ended: some messages end QEMU.</summary>
/// <param name="command">Words; <c>SOCKET</c> stands for the path at which it is to listen.</param>
/// <param name="folder">Where its socket and its files are.</param>
/// <param name="seenAs">What it calls that folder, if it lives in a root of its own.</param>
sealed class Peer(string command, string folder, string? seenAs) : IDisposable
{
    /// <summary>In messages: stands for the folder of whoever gets them.</summary>
    public const string Folder = "@TMP@";

    static readonly TimeSpan s_ending = TimeSpan.FromSeconds(30);

    readonly string _socket = Path.Combine(folder, "qmp.sock");
    Process? _process;

    /// <param name="hasEnded">It was heard to end: it may have to write a core first.</param>
    public PeerClient Connect(bool hasEnded)
    {
        if (_process is null || _process.WaitForExit(hasEnded ? s_ending : TimeSpan.Zero))
            Start();
        return new(_socket, seenAs ?? folder);
    }

    void Start()
    {
        Dispose();
        File.Delete(_socket);
        var words = command.Replace("SOCKET", _socket, StringComparison.Ordinal).Split(' ', StringSplitOptions.RemoveEmptyEntries);
        _process = Process.Start(new ProcessStartInfo(words[0], words[1..])
        {
            // Paths in messages may be relative.
            WorkingDirectory = folder,
            RedirectStandardError = true,
            RedirectStandardInput = true,
        })!;
        _process.ErrorDataReceived += (_, _) => { };
        _process.BeginErrorReadLine();
        DaemonUnderTest.Await(_socket, _process, () => command);
    }

    public void Dispose()
    {
        if (_process is null)
            return;
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
        _process = null;
    }
}

/// <summary>A negotiated client that hears all replies to one message.</summary>
sealed class PeerClient : IDisposable
{
    // Brings any reader back to its senses, then a command that nobody has: its refusal ends what belongs to the message before.
    const string End = "\n\u0001\n{\"execute\":\"no-such-command\",\"id\":\"the-end\"}\n";

    readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified) { ReceiveTimeout = 60_000, SendTimeout = 60_000 };
    readonly StreamReader _lines;
    readonly string _folder;

    public PeerClient(string path, string folder)
    {
        _folder = folder;
        _socket.Connect(new UnixDomainSocketEndPoint(path));
        _lines = new(new NetworkStream(_socket), Encoding.Latin1);
        Line();
        Exchange("{\"execute\":\"qmp_capabilities\"}"u8.ToArray());
    }

    /// <summary>The replies, or that there was an end instead.</summary>
    public IReadOnlyList<string> TryExchange(byte[] message)
    {
        try
        {
            return Exchange(message);
        }
        catch (Exception end) when (end is IOException or SocketException or RuleBrokenException)
        {
            return [Ended];
        }
    }

    /// <summary>What is heard of one that ends.</summary>
    public const string Ended = "it ended";

    public IReadOnlyList<string> Exchange(byte[] message)
    {
        _socket.Send(Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(message).Replace(Peer.Folder, _folder, StringComparison.Ordinal)));
        _socket.Send(Encoding.Latin1.GetBytes(End));
        var replies = new List<string>();
        while (true)
        {
            var line = Line();
            if (line.Contains("\"the-end\"", StringComparison.Ordinal))
                return replies;
            if (!line.Contains("\"event\"", StringComparison.Ordinal))
                replies.Add(line.Replace(_folder, Peer.Folder, StringComparison.Ordinal));
        }
    }

    /// <summary>The names of all objects, as JSON strings.</summary>
    public IEnumerable<string> Objects()
    {
        using var listed = JsonDocument.Parse(Exchange("""{"execute":"qom-list","arguments":{"path":"/objects"}}"""u8.ToArray())[0]);
        // QEMU 7.2 has no such container before there is an object.
        return !listed.RootElement.TryGetProperty("return", out var children) ? [] : [.. children.EnumerateArray()
            .Where(p => p.GetProperty("type").GetString()!.StartsWith("child<", StringComparison.Ordinal))
            .Select(p => p.GetProperty("name").GetRawText()).Where(n => n != "\"compat_monitor0\"")];
    }

    string Line() => _lines.ReadLine() ?? throw new RuleBrokenException("the connection was closed");

    public void Dispose()
    {
        _lines.Dispose();
        _socket.Dispose();
    }
}
