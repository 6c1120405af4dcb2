namespace HostMemd.Linux;

/// <summary>
/// Reports failures that no caller can handle and that only an error in this program can cause: a munmap that fails in Dispose,
/// a write lease that cannot be given back. The daemon logs them; without a subscriber they are lost.
/// </summary>
public static class UnexpectedFailures
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
