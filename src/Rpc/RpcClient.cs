using HostMemd.Linux;
using HostMemd.Protocol.Clients;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Rpc.Messages;
using Microsoft.Win32.SafeHandles;
using StreamJsonRpc.Protocol;

namespace HostMemd.Rpc;

/// <summary>One client that speaks JSON-RPC, from its connection to its end.</summary>
sealed class RpcClient : Client
{
    readonly SafeFileHandle _socket;
    readonly ClientRegistry _clients;
    readonly RpcServices _services;
    readonly RequestsUnderWay _underWay;
    readonly RpcOutbox _outbox;
    readonly SocketSender _sender;
    readonly RpcMessageHandler _handler;
    readonly Readiness _readable;
    readonly ReceivedDescriptors _descriptors;

    public RpcClient(SafeFileHandle socket, PeerCredentials peer, ClientRegistry clients, RpcServices services) : base(peer)
    {
        var limits = clients.Limits;
        (_socket, _clients, _services) = (socket, clients, services);
        _underWay = new(limits.RequestsInFlight);
        _readable = Readiness.ToRead(socket);
        var formatter = new RpcFormatter(limits.RequestBytes);
        _outbox = new((long)limits.OutputBytes.Most, formatter) { Socket = socket, Overflowed = Abort };
        var closing = new Closing();
        _descriptors = new(closing.Close);
        _sender = new(socket, _outbox, limits.OutputPause, Abort);
        var receiver = new SocketReceiver(socket, _descriptors, closing);
        _handler = new(this, clients, receiver, _readable, _sender, _outbox, _underWay, limits, formatter, services.Logger)
        {
            Descriptors = _descriptors,
        };
    }

    /// <summary>The client has sent its first byte, which also says how its messages are framed.</summary>
    public override bool HasBegun => _handler.HasHeaders is not null;

    // They are in flight, and never queued.
    public override int Queued => 0;

    public override int InFlight => _underWay.Count;

    public override long PendingOutput => _outbox.Pending;

    /// <summary>The socket is at its end, or has been shut down by the client.</summary>
    public bool IsHungUp()
    {
        // A kernel that does not answer has not said that the client is gone.
        if (UnixSocket.IsHungUp(_socket, out var gone).Ok && gone)
            IsGone = true;
        return IsGone;
    }

    /// <summary>Serves the client until it leaves, ends, or <paramref name="stop"/> asks for an end after what was received.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        // What an observer may do takes no descriptors: those it sends are not even kept until the next message.
        _descriptors.Highest = Role == Role.Observer ? -1 : _clients.Limits.Descriptors;
        var sending = _sender.RunAsync();
        using var stopping = stop.UnsafeRegister(static r => ((Readiness)r!).Signal(), _readable);
        _handler.Stop = stop;
        try
        {
            // The library's part is some kilobytes: a client that is silent does without.
            if (await _handler.ReceiveFirstAsync().ConfigureAwait(false))
                await ConverseAsync().ConfigureAwait(false);
            await _underWay.WhenIdle().ConfigureAwait(false);
        }
        finally
        {
            _clients.SetUnfinished(this, 0);
            _descriptors.Close();
            Named.Close();
            _outbox.Flush();
            _outbox.Complete();
            await sending.ConfigureAwait(false);
            _readable.Dispose();
            // Until then it counts, so that a client cannot have more sockets that hang than it may have connections.
            await Closing.SocketAsync(_socket).ConfigureAwait(false);
        }
    }

    async Task ConverseAsync()
    {
        using var session = new RpcSession(_handler, this, _services, _underWay);
        session.StartListening();
        await session.Completion.ConfigureAwait(false);
    }

    /// <summary>Sends a notification at once, if the client has begun.</summary>
    public void Send(JsonRpcMessage notification)
    {
        if (_handler.HasHeaders is not { } hasHeaders)
            return;
        _outbox.Send(notification, hasHeaders);
        _outbox.Flush();
    }

    public override void Notify(Notice notice) => Send(RpcReplies.Notification(notice.Event.Name, Value.Object(
        ("timestamp", notice.Timestamp),
        ("data", Value.From(notice.Data)))));

    public override SafeFileHandle? TakeDescriptor(long batch) => _descriptors.Take(batch);

    protected override void Disconnect() => _outbox.Disconnect();
}
