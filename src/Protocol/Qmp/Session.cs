using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Qmp;

/// <summary>
/// One QMP client from greeting to end: negotiation, replies in order, the out-of-band lane. It knows no socket: messages of the client
/// come in through <see cref="ReceiveAsync"/>, and replies are written to an <see cref="Output"/>.
/// </summary>
public sealed partial class Session : Client
{
    Call? _spareCall;
    readonly Output _output;
    readonly CommandRunner _run;
    readonly WireLimits _limits;

    public Session(Output output, PeerCredentials peer, CommandRunner run, WireLimits limits) : base(peer)
    {
        _output = output;
        _run = run;
        _limits = limits;
        Descriptors = new(Closing.Close);
    }

    /// <summary>Closes the descriptors that this client sends and no command takes.</summary>
    internal Closing Closing { get; } = new();

    public ReceivedDescriptors Descriptors { get; }

    public bool IsNegotiated { get; private set; }
    public bool OutOfBandEnabled { get; private set; }

    public override bool HasBegun => IsNegotiated;

    /// <summary>Completes the negotiation.</summary>
    /// <exception cref="QmpException">The negotiation is complete already.</exception>
    public void Negotiate(bool outOfBand)
    {
        if (IsNegotiated)
            throw QmpErrors.AlreadyNegotiated();
        OutOfBandEnabled = outOfBand;
        IsNegotiated = true;
    }

    public override void Notify(Notice notice)
    {
        if (!IsNegotiated)
            return;
        _output.Send(notice.Message);
        _output.Flush();
    }

    public override SafeFileHandle? TakeDescriptor(long batch) => Descriptors.Take(batch);

    protected override void Disconnect() => _output.Disconnect();

    /// <summary>Takes one message of the client. Completes when the next one may be read; the reply may come later.</summary>
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
        if (!IsNegotiated && request.Command != Negotiation.Command)
        {
            _output.Error(QmpErrors.ExpectingNegotiation(), request.Id);
            return default;
        }
        return Execute(request);
    }

    ValueTask Execute(in Request request)
    {
        // Out of band, two commands may be under way at once: the spare call is taken away while it is in use.
        var call = Interlocked.Exchange(ref _spareCall, null) ?? new Call(this);
        call.Begin(request.Command, request.Arguments, request.DescriptorBatch, request.OutOfBand);
        ValueTask<Value> work;
        try
        {
            work = _run(call);
        }
        catch (QmpException refusal)
        {
            Refuse(call, request.Id, refusal);
            return default;
        }
        if (!work.IsCompletedSuccessfully)
            return Await(call, request.Id, work);
        Reply(call, request.Id, work.Result);
        _spareCall = call;
        return default;
    }

    async ValueTask Await(Call call, Value? id, ValueTask<Value> work)
    {
        // Replies that are ready must not wait for this command.
        if (!work.IsCompleted)
            _output.Flush();
        try
        {
            Reply(call, id, await work.ConfigureAwait(false));
        }
        catch (QmpException refusal)
        {
            Refuse(call, id, refusal);
        }
    }

    void Reply(Call call, Value? id, Value result)
    {
        _output.Return(result, id, call.ReplyDescriptor);
        if (call.AfterReply is not { } after)
            return;
        _output.Flush();
        after();
    }

    void Refuse(Call call, Value? id, QmpException refusal)
    {
        call.ReplyDescriptor?.Dispose();
        _output.Error(refusal, id);
    }
}
