using HostMemd.Qapi;

namespace HostMemd.Client.Wire;

/// <summary>
/// A command that was sent and not yet answered. It stays in the books when its caller gives up, so that the reply is known for
/// what it is when it comes.
/// </summary>
sealed class PendingCall(bool takesDescriptor, Action<Reply>? unwanted)
{
    readonly TaskCompletionSource<Reply> _reply = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Its reply brings a descriptor, if it succeeds.</summary>
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
        // A call that nobody waits for, such as giving memory back, may fail without a word.
        _ = _reply.Task.Exception;
    }

    public void Cancel(CancellationToken token) => _reply.TrySetCanceled(token);
}
