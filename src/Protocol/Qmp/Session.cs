using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Protocol.Qmp;

/// <summary>Runs one command; the daemon supplies it. Throws <see cref="QmpException"/> and nothing else.</summary>
public delegate ValueTask<Value> CommandRunner(Call call);

/// <summary>
/// One client from greeting to farewell: negotiation, in-order replies, the out-of-band lane. It knows no socket: what the
/// client sent comes in through <see cref="ReceiveAsync"/>, what goes back is written to an <see cref="Output"/>.
/// </summary>
public sealed partial class Session
{
    Call? _spareCall;
    readonly Output _output;
    readonly CommandRunner _run;
    readonly WireLimits _limits;

    public Session(Output output, PeerCredentials peer, CommandRunner run, WireLimits limits)
    {
        _output = output;
        _run = run;
        _limits = limits;
        Peer = peer;
        Descriptors = new(Closing.Close);
    }

    public PeerCredentials Peer { get; }

    /// <summary>May do what its role allows; set once, when the client is accepted.</summary>
    public Role Role { get; init; } = Role.Admin;

    /// <summary>When the client was accepted; milliseconds of a clock that only goes forward.</summary>
    public long Since { get; } = Environment.TickCount64;

    /// <summary>A refusal for want of the role is logged once for each client.</summary>
    public bool WasRefused { get; set; }

    /// <summary>Closes what this client sends and no command takes.</summary>
    internal Closing Closing { get; } = new();

    public ReceivedDescriptors Descriptors { get; }

    public NamedDescriptors Named { get; } = new();

    public bool IsNegotiated { get; private set; }
    public bool OutOfBandEnabled { get; private set; }

    /// <summary>Has asked for events that QEMU does not have.</summary>
    public bool Watches { get; set; }

    /// <summary>Set by <c>quit</c>: what this client sent behind it is not answered.</summary>
    public bool IsEnding { get; private set; }

    /// <summary>The client is gone: what it has queued is not worth doing.</summary>
    public bool IsGone { get; set; }

    /// <summary>Ends this session when the current reply is out.</summary>
    public void End() => IsEnding = true;

    /// <summary>Completes the negotiation.</summary>
    /// <exception cref="QmpException">It is complete already.</exception>
    public void Negotiate(bool outOfBand)
    {
        if (IsNegotiated)
            throw QmpErrors.AlreadyNegotiated();
        OutOfBandEnabled = outOfBand;
        IsNegotiated = true;
    }

    /// <summary>Sends an event, unless this client is not to have it. Any thread.</summary>
    public void Notify(Event declared, Value message)
    {
        if (!IsNegotiated || (declared.IsExtension && !Watches))
            return;
        _output.Send(message);
        _output.Flush();
    }

    /// <summary>Takes one message. Completes when the next one may be read; the reply may come later.</summary>
    public ValueTask ReceiveAsync(JsonResult message)
    {
        if (IsEnding)
            return default;
        return OutOfBandEnabled ? ReceiveAhead(message) : Answer(message, Descriptors.Latest);
    }

    /// <summary>Answers a message in its turn.</summary>
    ValueTask Answer(JsonResult message, long descriptorBatch)
    {
        Descriptors.Forget(descriptorBatch);
        if (message.Error is { } syntax)
        {
            _output.Error(syntax, null);
            return default;
        }
        if (Request.Read(message.Value, OutOfBandEnabled, descriptorBatch, out var request) is { } fault)
        {
            _output.Error(fault, request.Id);
            return default;
        }
        return Execute(request);
    }

    ValueTask Execute(in Request request)
    {
        // Out of band two may be under way at once, so the spare one is taken away while it is used.
        var call = Interlocked.Exchange(ref _spareCall, null) ?? new Call(this);
        call.Begin(request);
        ValueTask<Value> work;
        try
        {
            work = _run(call);
        }
        catch (QmpException refusal)
        {
            Refuse(call, refusal);
            return default;
        }
        if (!work.IsCompletedSuccessfully)
            return Await(call, work);
        Reply(call, work.Result);
        _spareCall = call;
        return default;
    }

    async ValueTask Await(Call call, ValueTask<Value> work)
    {
        // What is already answered must not wait for this.
        if (!work.IsCompleted)
            _output.Flush();
        try
        {
            Reply(call, await work.ConfigureAwait(false));
        }
        catch (QmpException refusal)
        {
            Refuse(call, refusal);
        }
    }

    void Reply(Call call, Value result)
    {
        _output.Return(result, call.Request.Id, call.ReplyDescriptor);
        if (call.AfterReply is not { } after)
            return;
        _output.Flush();
        after();
    }

    void Refuse(Call call, QmpException refusal)
    {
        call.ReplyDescriptor?.Dispose();
        _output.Error(refusal, call.Request.Id);
    }
}
