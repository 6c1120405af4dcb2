using HostMemd.Qapi;

namespace HostMemd.Backend.Threads;

/// <summary>Admits one at a time, in the order of arrival. Waiting takes no thread.</summary>
sealed class AsyncGate
{
    readonly SemaphoreSlim _free = new(1, 1);

    /// <exception cref="QmpException">The command was cancelled before its turn came.</exception>
    public async ValueTask<Turn> EnterAsync(Waiter waiter = default)
    {
        try
        {
            await _free.WaitAsync(waiter.Cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            throw QmpErrors.Cancelled();
        }
        return new(_free);
    }

    public readonly struct Turn(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }
}
