using HostMemd.Qapi;

namespace HostMemd.Dispatch;

/// <summary>
/// Every command that changes state passes this gate. It is closed while the state is handed to another process, so that nothing changes
/// behind the copy. Queries do not pass it and never wait.
/// </summary>
sealed class ChangeGate
{
    readonly Lock _gate = new();
    TaskCompletionSource? _closed;
    TaskCompletionSource? _empty;
    int _inside;
    bool _forGood;

    /// <summary>Enters, at once unless the gate is closed.</summary>
    /// <param name="waiter">May cancel the wait.</param>
    /// <exception cref="QmpException">Another process has taken over, or the wait was cancelled.</exception>
    public ValueTask EnterAsync(Waiter waiter)
    {
        lock (_gate)
        {
            if (_forGood)
                throw QmpErrors.TakenOver();
            if (_closed is null)
            {
                _inside++;
                return default;
            }
            return new(Retry(_closed.Task, waiter));
        }
    }

    async Task Retry(Task opened, Waiter waiter)
    {
        await waiter.ForAsync(opened).ConfigureAwait(false);
        await EnterAsync(waiter).ConfigureAwait(false);
    }

    public void Leave()
    {
        lock (_gate)
        {
            if (--_inside == 0)
                _empty?.TrySetResult();
        }
    }

    /// <summary>Closes the gate and waits for the commands inside.</summary>
    /// <returns>False if a command was still inside after that time, or the gate was closed already. The gate is then as before.</returns>
    public async Task<bool> CloseAsync(TimeSpan patience)
    {
        Task empty;
        lock (_gate)
        {
            if (_closed is not null)
                return false;
            _closed = new(TaskCreationOptions.RunContinuationsAsynchronously);
            _empty = new(TaskCreationOptions.RunContinuationsAsynchronously);
            if (_inside == 0)
                _empty.SetResult();
            empty = _empty.Task;
        }
        try
        {
            await empty.WaitAsync(patience).ConfigureAwait(false);
            return true;
        }
        catch (TimeoutException)
        {
            Open(forGood: false);
            return false;
        }
    }

    /// <summary>Commands that wait go on, or fail because another process has taken over.</summary>
    public void Open(bool forGood)
    {
        lock (_gate)
        {
            _forGood = forGood;
            _closed?.TrySetResult();
            _closed = null;
            _empty = null;
        }
    }
}
