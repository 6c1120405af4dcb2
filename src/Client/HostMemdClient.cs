using System.Collections.Concurrent;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Threading.Channels;
using HostMemd.Client.Wire;
using HostMemd.Qapi;

namespace HostMemd.Client;

/// <summary>
/// A connection to the daemon. Any thread may use it, and any number of calls may be under way. They are sent in the order
/// of the calls. QMP answers in that order, except out-of-band calls, and cancelling a call ends only the wait for it. JSON-RPC answers when
/// an answer is ready, and cancelling a call also ends the filling, or the wait, that its command is in.
/// </summary>
/// <remarks>
/// A refusal of the daemon is a <see cref="QmpException"/> with the daemon's class and text. After the connection is lost, calls under way
/// and later ones throw an <see cref="IOException"/>.
/// </remarks>
public sealed partial class HostMemdClient : IAsyncDisposable, IDisposable
{
    readonly DaemonConnection _connection;
    readonly ConcurrentDictionary<Channel<QmpEvent>, byte> _listeners = [];
    readonly Lock _listening = new();
    bool _ended;
    Exception? _end;

    HostMemdClient(DaemonConnection connection)
    {
        _connection = connection;
        connection.EventReceived = e =>
        {
            foreach (var (listener, _) in _listeners)
                listener.Writer.TryWrite(e);
        };
        connection.Ended = EndListening;
    }

    /// <summary>The QEMU release whose behaviour the daemon follows.</summary>
    public Version QemuVersion { get; private set; } = new();

    /// <summary>The daemon's name and own version, such as <c>hostmemd 0.1.0</c>.</summary>
    public string Package { get; private set; } = "";

    // What stands before the path of a JSON-RPC socket.
    const string RpcScheme = "jsonrpc:";

    /// <summary>Connects and negotiates.</summary>
    /// <param name="path">
    /// The daemon's QMP socket; <c>@NAME</c> for an abstract one, <c>./@NAME</c> for a file of such a name. With <c>jsonrpc:</c> in front of
    /// it the client speaks JSON-RPC, as the socket there has to.
    /// </param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="System.Net.Sockets.SocketException">No daemon listens there, or this process may not connect.</exception>
    /// <exception cref="IOException">The other side does not speak QMP, or closes the connection.</exception>
    public static Task<HostMemdClient> ConnectAsync(string path, CancellationToken cancellation = default) =>
        ConnectAsync(path, outOfBand: false, cancellation);

    /// <summary>Connects and negotiates.</summary>
    /// <param name="path">The daemon's QMP socket.</param>
    /// <param name="outOfBand">Ask for the out-of-band lane, so that <see cref="ExecuteOutOfBandAsync"/> overtakes other calls.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <inheritdoc cref="ConnectAsync(string, CancellationToken)"/>
    public static async Task<HostMemdClient> ConnectAsync(string path, bool outOfBand, CancellationToken cancellation = default) =>
        path.StartsWith(RpcScheme, StringComparison.Ordinal)
            ? await NegotiateAsync(path[RpcScheme.Length..], Dialect.JsonRpc, outOfBand, cancellation).ConfigureAwait(false)
            : await NegotiateAsync(path, Dialect.Qmp, outOfBand, cancellation).ConfigureAwait(false);

    static async Task<HostMemdClient> NegotiateAsync(string path, Dialect dialect, bool outOfBand, CancellationToken cancellation) =>
        await NegotiateAsync(await SocketTransport.OpenAsync(path, cancellation).ConfigureAwait(false), dialect, outOfBand, cancellation)
            .ConfigureAwait(false);

    /// <summary>Negotiates over a connection that the caller made, such as one that ssh carries. Descriptors do not come by a stream:
    /// <see cref="MapAsync"/> and <see cref="BorrowAsync"/> fail.</summary>
    /// <param name="stream">Both directions. It belongs to the client from now on.</param>
    /// <param name="outOfBand">Ask for the out-of-band lane.</param>
    /// <param name="cancellation">Ends the attempt.</param>
    /// <exception cref="IOException">The other end does not speak QMP.</exception>
    public static Task<HostMemdClient> ConnectAsync(Stream stream, bool outOfBand = false, CancellationToken cancellation = default) =>
        NegotiateAsync(new StreamTransport(stream), Dialect.Qmp, outOfBand, cancellation);

    /// <summary>The same, of a stream to a JSON-RPC socket.</summary>
    /// <inheritdoc cref="ConnectAsync(Stream, bool, CancellationToken)"/>
    public static Task<HostMemdClient> ConnectJsonRpcAsync(Stream stream, CancellationToken cancellation = default) =>
        NegotiateAsync(new StreamTransport(stream), Dialect.JsonRpc, outOfBand: false, cancellation);

    static async Task<HostMemdClient> NegotiateAsync(Transport transport, Dialect dialect, bool outOfBand, CancellationToken cancellation)
    {
        var client = new HostMemdClient(new DaemonConnection(transport, dialect));
        try
        {
            client._connection.Start();
            if (!dialect.HasGreeting)
            {
                client.ReadVersion(await client.ExecuteAsync("query-version", Members.None, cancellation).ConfigureAwait(false));
                return client;
            }
            var greeting = await client._connection.Greeting.WaitAsync(cancellation).ConfigureAwait(false);
            client.ReadVersion(greeting["version"]);
            var wanted = outOfBand ? new Members { { "enable", Value.From([Value.From("oob")]) } } : Members.None;
            await client.ExecuteAsync("qmp_capabilities", wanted, cancellation).ConfigureAwait(false);
            return client;
        }
        catch
        {
            client.Dispose();
            throw;
        }
    }

    void ReadVersion(Value given)
    {
        if (!given.TryObject(out var version) || !version["qemu"].TryObject(out var qemu))
            return;
        qemu["major"].TryInt(out var major);
        qemu["minor"].TryInt(out var minor);
        qemu["micro"].TryInt(out var micro);
        QemuVersion = Version.Parse(string.Create(CultureInfo.InvariantCulture, $"{major}.{minor}.{micro}"));
        Package = version["package"].TryString(out var package) ? package : "";
    }

    /// <summary>Runs any command, also one without a method here.</summary>
    /// <param name="command">Its name.</param>
    /// <param name="arguments">Its arguments, or <see cref="Members.None"/>.</param>
    /// <param name="cancellation">Ends the wait.</param>
    /// <returns>The command's result.</returns>
    /// <exception cref="QmpException">The daemon refuses.</exception>
    /// <exception cref="IOException">The connection is lost.</exception>
    public async Task<Value> ExecuteAsync(string command, Members arguments, CancellationToken cancellation = default) =>
        (await _connection.CallAsync(command, arguments, false, false, null, cancellation).ConfigureAwait(false)).Value;

    /// <summary>As <see cref="ExecuteAsync"/>, but overtakes the calls under way. Few commands allow it. <c>outOfBand</c> enables it.</summary>
    /// <inheritdoc cref="ExecuteAsync"/>
    public async Task<Value> ExecuteOutOfBandAsync(string command, Members arguments, CancellationToken cancellation = default) =>
        (await _connection.CallAsync(command, arguments, true, false, null, cancellation).ConfigureAwait(false)).Value;

    async Task<R> CallAsync<R>(CommandRow<R> row, Members arguments, CancellationToken cancellation)
    {
        var reply = await _connection.CallAsync(row.Name, arguments, false, false, null, cancellation).ConfigureAwait(false);
        return row.Read(reply.Value);
    }

    /// <summary>
    /// All events from now on: those of QEMU's schema, and the <c>MEMDEV_</c> ones after <see cref="WatchAsync"/>. None is
    /// dropped, so unread events accumulate. Ends with the client, or with an exception if the connection is lost.
    /// </summary>
    /// <param name="cancellation">Ends the reading.</param>
    public IAsyncEnumerable<QmpEvent> Events(CancellationToken cancellation = default)
    {
        // Listening starts here and not with the first MoveNext, so that events in between are not lost.
        var listener = Channel.CreateUnbounded<QmpEvent>(new() { SingleReader = true, SingleWriter = true });
        lock (_listening)
        {
            if (_ended)
                listener.Writer.TryComplete(_end);
            else
                _listeners.TryAdd(listener, 0);
        }
        return ReadAsync(listener, cancellation);
    }

    async IAsyncEnumerable<QmpEvent> ReadAsync(Channel<QmpEvent> listener, [EnumeratorCancellation] CancellationToken cancellation)
    {
        try
        {
            while (await listener.Reader.WaitToReadAsync(cancellation).ConfigureAwait(false))
            {
                while (listener.Reader.TryRead(out var next))
                    yield return next;
            }
        }
        finally
        {
            _listeners.TryRemove(listener, out _);
        }
    }

    void EndListening(Exception? cause)
    {
        lock (_listening)
        {
            _ended = true;
            _end = cause;
            foreach (var (listener, _) in _listeners)
                listener.Writer.TryComplete(cause);
        }
    }

    /// <summary>
    /// Closes the connection. Mappings stay valid, and the daemon keeps their leases until this process ends: dispose of mappings first.
    /// </summary>
    public void Dispose() => _connection.Dispose();

    /// <inheritdoc cref="Dispose"/>
    public ValueTask DisposeAsync()
    {
        Dispose();
        return default;
    }
}
