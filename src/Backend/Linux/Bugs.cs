namespace HostMemd.Backend.Linux;

/// <summary>
/// Where failures go that nobody can handle and that only an error of our own can cause: a munmap that fails in Dispose,
/// a lease that cannot be given back. The daemon subscribes and logs; without a subscriber they vanish.
/// </summary>
public static class Bugs
{
    /// <summary>Raised on whatever thread met the failure, possibly the finalizer's. One clause of text.</summary>
    public static event Action<string>? Reported;

    /// <summary>Reports; never throws, because the callers are Dispose and ReleaseHandle.</summary>
    /// <param name="what">What failed, with call, arguments and errno.</param>
    public static void Report(string what)
    {
        try
        {
            Reported?.Invoke(what);
        }
        catch (Exception)
        {
            // An exception out of a finalizer would end the process, which holds other guests' memory.
        }
    }
}
