namespace HostMemd.Backend.Threads;

/// <summary>One at a time, first come first served, waiting without a thread.</summary>
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
