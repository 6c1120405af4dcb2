using System.Diagnostics;

namespace HostMemd.Integration.Harness;

/// <summary>Waits for what must become true, however long the machine takes; fails when it does not.</summary>
static class Eventually
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public static void True(Func<bool> condition, string what, TimeSpan? patience = null)
    {
        var limit = Stopwatch.StartNew();
        for (var pause = 1; !condition(); pause = Math.Min(pause * 2, 50))
        {
            if (limit.Elapsed > (patience ?? s_patience))
                Assert.Fail("in vain waited for: " + what);
            Thread.Sleep(pause);
        }
    }

    /// <summary>Waits until the value is the expected one; the last value is in the message otherwise.</summary>
    public static void Equal<T>(T expected, Func<T> actual, string what)
    {
        var last = default(T);
        var limit = Stopwatch.StartNew();
        for (var pause = 1; !EqualityComparer<T>.Default.Equals(last = actual(), expected); pause = Math.Min(pause * 2, 50))
        {
            if (limit.Elapsed > s_patience)
                Assert.Fail($"{what}: expected {expected}, still {last}");
            Thread.Sleep(pause);
        }
    }

    /// <summary>Waits until the number is at most that.</summary>
    public static void AtMost(long limit, Func<long> actual, string what)
    {
        long last = 0;
        var passed = Stopwatch.StartNew();
        for (var pause = 1; (last = actual()) > limit; pause = Math.Min(pause * 2, 50))
        {
            if (passed.Elapsed > s_patience)
                Assert.Fail($"{what}: at most {limit} expected, still {last}");
            Thread.Sleep(pause);
        }
    }
}
