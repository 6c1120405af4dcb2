using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Protocol.Qmp;

// With oob enabled commands are read ahead into a queue; exec-oob is executed when it is read, so it overtakes the queue.
// As in QEMU the session reads on while fewer than eight commands are queued, not counting the one being executed. A client that sends more
// is not read from meanwhile.
public sealed partial class Session
{
    readonly Lock _queueGate = new();
    readonly Queue<(JsonResult Message, long DescriptorBatch)> _queue = new();
    TaskCompletionSource? _room;
    Task _worker = Task.CompletedTask;
    bool _working;

    /// <summary>Completes when every message read so far is answered.</summary>
    public Task Idle
    {
        get
        {
            lock (_queueGate)
                return _worker;
        }
    }

    /// <summary>Requests that were read ahead and wait.</summary>
    public override int Queued
    {
        get
        {
            lock (_queueGate)
                return _queue.Count;
        }
    }

    /// <summary>Bytes of output that the client has not read.</summary>
    public override long PendingOutput => _output.Pending;

    ValueTask ReceiveAhead(JsonResult message)
    {
        var batch = Descriptors.Latest;
        if (IsOutOfBand(message))
            return AnswerAtOnce(message, batch);
        lock (_queueGate)
        {
            _queue.Enqueue((message, batch));
            if (_working)
            {
                if (!_limits.QueuedRequests.IsReachedBy(_queue.Count))
                    return default;
                // The worker itself continues the reader, so that a command already sent out of band overtakes the next one.
                _room = new();
                return new(_room.Task);
            }
            _working = true;
        }
        // The reader's own thread answers the first message, as far as that needs no waiting.
        var work = Work();
        lock (_queueGate)
            _worker = work;
        return default;
    }

    async Task Work()
    {
        while (true)
        {
            (JsonResult Message, long Batch) next;
            TaskCompletionSource? room = null;
            bool found;
            lock (_queueGate)
            {
                if (IsGone || IsEnding)
                    _queue.Clear();
                if (!(found = _queue.TryDequeue(out next)))
                    _working = false;
                if (!_limits.QueuedRequests.IsReachedBy(_queue.Count))
                    (room, _room) = (_room, null);
            }
            room?.SetResult();
            if (!found)
                break;
            var answer = Answer(next.Message, next.Batch);
            if (!answer.IsCompletedSuccessfully)
                await answer.ConfigureAwait(false);
        }
        _output.Flush();
    }

    bool IsOutOfBand(JsonResult message) =>
        message.Error is null && message.Value.TryObject(out var members) && members.Contains("exec-oob")
        && Request.Read(message.Value, OutOfBandEnabled, 0, out _) is null;

    async ValueTask AnswerAtOnce(JsonResult message, long batch)
    {
        await Answer(message, batch).ConfigureAwait(false);
        _output.Flush();
    }
}
