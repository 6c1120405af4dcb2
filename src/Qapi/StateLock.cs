using System.Diagnostics;

namespace HostMemd.Qapi;

/// <summary>
/// The one lock that owns the daemon's state: objects, properties, jobs, leases and descriptor sets (docs/decisions/0002). A holder keeps it
/// for microseconds, and never while it maps, fills or frees memory, opens a file or reads /proc.
/// </summary>
public sealed class StateLock
{
    readonly Lock _lock = new();

    /// <summary>Waits for the lock. Disposing the scope releases it, on the same thread. The holder may enter again.</summary>
    public Lock.Scope Enter() => _lock.EnterScope();

    /// <summary>Waits for the lock at most that long, and releases it at once.</summary>
    /// <returns>False: the lock was held all the time.</returns>
    public bool CanBeHadWithin(TimeSpan patience)
    {
        if (!_lock.TryEnter(patience))
            return false;
        _lock.Exit();
        return true;
    }

    /// <summary>In debug builds, throws if the calling thread does not hold the lock: for members whose contract is that it does.</summary>
    /// <exception cref="InvalidOperationException">A bug of the caller's.</exception>
    [Conditional("DEBUG")]
    public void AssertHeld()
    {
        if (!_lock.IsHeldByCurrentThread)
            throw new InvalidOperationException("the daemon's state is not held");
    }
}
