namespace HostMemd.Backend.Threads;

/// <summary>Admits one at a time, in the order of arrival. Waiting takes no thread.</summary>
sealed class AsyncGate
{
    readonly SemaphoreSlim _free = new(1, 1);

    public async ValueTask<Turn> EnterAsync()
    {
        await _free.WaitAsync().ConfigureAwait(false);
        return new(_free);
    }

    public readonly struct Turn(SemaphoreSlim free) : IDisposable
    {
        public void Dispose() => free.Release();
    }
}
