using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using HostMemd.Backend;
using HostMemd.Backend.Threads;
using HostMemd.Config;
using HostMemd.Protocol.Qmp;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Faulty;

/// <summary>A whole daemon in this process, asked without sockets, and what it holds according to the kernel.</summary>
sealed class FaultyDaemon : ILoggerFactory, ILogger, IDisposable
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public FaultyDaemon(string folder, bool confined = false)
    {
        // As the real one, which needs no thread that may not be had.
        OwnThread.Reserve();
        Folder = folder;
        Daemon = new Daemon(new HostMemdOptions { Access = new AccessOptions { MemPaths = confined ? [folder] : [] } }, this);
    }

    public Daemon Daemon { get; }
    public string Folder { get; }

    /// <summary>Lines of level error: bugs of ours that were caught.</summary>
    public ConcurrentQueue<string> Errors { get; } = new();

    /// <summary>Lines of level warning: what could not be done.</summary>
    public ConcurrentQueue<string> Warnings { get; } = new();

    /// <summary>Asks; a descriptor that comes with the reply is closed.</summary>
    /// <param name="request">One command.</param>
    /// <param name="attached">A descriptor that travels with it, taken over.</param>
    public JsonElement Ask(string request, SafeFileHandle? attached = null)
    {
        var output = new Output(pretty: false, long.MaxValue);
        var session = new Session(output, new PeerCredentials(Environment.ProcessId, 0, 0), Daemon.Runner, new WireLimits());
        session.Negotiate(outOfBand: false);
        if (attached is not null)
            session.Descriptors.Add([attached]);
        var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(request));
        Assert.True(new JsonReader(new JsonLimits()).TryRead(ref buffer, out var message), request);
        Assert.True(session.ReceiveAsync(message).AsTask().Wait(s_patience), $"{request} does not end");
        output.Flush();
        Assert.True(output.Reader.TryRead(out var read));
        using var reply = JsonDocument.Parse(read.Buffer);
        output.DropDescriptors();
        return reply.RootElement.Clone();
    }

    public void Ok(string request)
    {
        var reply = Ask(request);
        Assert.True(reply.TryGetProperty("return", out _), $"{request} was answered {reply}");
    }

    public string[] Objects() =>
        [.. Ask("""{"execute":"qom-list","arguments":{"path":"/objects"}}""").GetProperty("return").EnumerateArray()
        .Where(p => p.GetProperty("type").GetString()!.StartsWith("child<", StringComparison.Ordinal))
        .Select(p => p.GetProperty("name").GetString()!)];

    public void DeleteAll()
    {
        foreach (var mapping in Ask("""{"execute":"query-memdev-mappings"}""").GetProperty("return").EnumerateArray())
        {
            if (mapping.TryGetProperty("mapping", out var lease))
                Ok($$$"""{"execute":"memdev-unmap","arguments":{"mapping":"{{{lease.GetString()}}}"}}""");
        }
        foreach (var job in Ask("""{"execute":"query-jobs"}""").GetProperty("return").EnumerateArray())
            Ok($$$"""{"execute":"job-dismiss","arguments":{"id":"{{{job.GetProperty("id").GetString()}}}"}}""");
        foreach (var id in Objects())
            Ok($$$"""{"execute":"object-del","arguments":{"id":"{{{id}}}"}}""");
    }

    /// <summary>What this daemon reports that it has, and what this process has according to the kernel.</summary>
    public string Held() => Footprint.Of(Folder, [.. Objects(),
        .. Ask("""{"execute":"query-memdev-limits"}""").GetProperty("return").EnumerateArray()
        .Where(l => l.GetProperty("name").GetString() is "Objects" or "BytesTotal" or "BytesPerUid")
        .Select(l => $"{l.GetProperty("name")}={l.GetProperty("used")}")]);

    public ILogger CreateLogger(string categoryName) => this;
    public void AddProvider(ILoggerProvider provider) { }
    public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
    public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Warning;

    public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        if (IsEnabled(logLevel))
            (logLevel >= LogLevel.Error ? Errors : Warnings).Enqueue($"{formatter(state, exception)} {exception}");
    }

    public void Dispose() => Assert.True(Daemon.StopAsync().Wait(s_patience), "the daemon does not stop");
}
