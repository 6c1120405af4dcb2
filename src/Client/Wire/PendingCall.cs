using HostMemd.Qapi;

namespace HostMemd.Client.Wire;

/// <summary>
/// A command that was sent and not yet answered. It stays registered when its caller gives up, so that the reply is recognized when it
/// comes.
/// </summary>
sealed class PendingCall(bool takesDescriptor, Action<Reply>? unwanted)
{
    readonly TaskCompletionSource<Reply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The request's; set when it is sent.</summary>
    public long Id { get; set; }

    /// <summary>Its reply brings a descriptor if the command succeeds.</summary>
    public bool TakesDescriptor => takesDescriptor;

    public Task<Reply> Reply => _reply.Task;

    public void Succeed(Reply reply)
    {
        if (_reply.TrySetResult(reply))
            return;
        reply.Descriptor?.Dispose();
        unwanted?.Invoke(reply);
    }

    public void Fail(Exception error)
    {
        if (!_reply.TrySetException(error))
            return;
        // A call without a waiting caller, such as returning memory, may fail silently.
        _ = _reply.Task.Exception;
    }

    public void Cancel(CancellationToken token) => _reply.TrySetCanceled(token);
}
