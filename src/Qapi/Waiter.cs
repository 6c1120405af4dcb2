namespace HostMemd.Qapi;

/// <summary>
/// The command that waits for a change of an object, as far as the change needs to know it. The default is never cancelled and receives no
/// progress.
/// </summary>
/// <param name="Cancellation">Cancelled when the client no longer wants the result.</param>
/// <param name="Progress">
/// Receives the bytes of a filling, at most ten times a second and once at its end. Called on any thread; must return at once.
/// </param>
public readonly record struct Waiter(CancellationToken Cancellation = default, IProgress<FillProgress>? Progress = null)
{
    /// <exception cref="QmpException">The client has cancelled the command: <see cref="RefusalKind.Cancelled"/>.</exception>
    public void ThrowIfCancelled()
    {
        if (Cancellation.IsCancellationRequested)
            throw QmpErrors.Cancelled();
    }

    /// <summary>Waits for a task that belongs to others; a cancelled wait leaves it running.</summary>
    /// <exception cref="QmpException">The client has cancelled the command: <see cref="RefusalKind.Cancelled"/>.</exception>
    public async Task ForAsync(Task task)
    {
        try
        {
            await task.WaitAsync(Cancellation).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (Cancellation.IsCancellationRequested)
        {
            throw QmpErrors.Cancelled();
        }
    }
}
