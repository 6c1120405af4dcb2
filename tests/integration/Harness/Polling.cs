using System.Diagnostics;

namespace HostMemd.Integration.Harness;

/// <summary>The one place that waits: for a condition that can only be asked for, in the integration tests and in the fuzzer.</summary>
static class Polling
{
    /// <summary>Asks until it is so, ever less often; false when the time is over.</summary>
    public static bool Until(Func<bool> condition, TimeSpan limit)
    {
        var passed = Stopwatch.StartNew();
        for (var pause = 1; !condition(); pause = Math.Min(pause * 2, 50))
        {
            if (passed.Elapsed > limit)
                return false;
            Thread.Sleep(pause);
        }
        return true;
    }
}
