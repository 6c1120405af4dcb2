namespace HostMemd.Integration.Harness;

/// <summary>The one place that waits: for a condition that can only be asked for, in the integration tests and in the fuzzer.</summary>
static class Polling
{
    /// <summary>Asks until it is so; false when the time is over.</summary>
    public static bool Until(Func<bool> condition, TimeSpan limit) => SpinWait.SpinUntil(condition, limit);
}
