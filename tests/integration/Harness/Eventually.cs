namespace HostMemd.Integration.Harness;

/// <summary>Waits for what must become true, however long the machine takes; fails when it does not.</summary>
static class Eventually
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(30);

    public static void True(Func<bool> condition, string what, TimeSpan? patience = null)
    {
        if (!Polling.Until(condition, patience ?? s_patience))
            Assert.Fail("in vain waited for: " + what);
    }

    /// <summary>Waits until the value is the expected one; the last value is in the message otherwise.</summary>
    public static void Equal<T>(T expected, Func<T> actual, string what)
    {
        var last = default(T);
        if (!Polling.Until(() => EqualityComparer<T>.Default.Equals(last = actual(), expected), s_patience))
            Assert.Fail($"{what}: expected {expected}, still {last}");
    }

    /// <summary>Waits until the number is at most that.</summary>
    public static void AtMost(long limit, Func<long> actual, string what)
    {
        long last = 0;
        if (!Polling.Until(() => (last = actual()) <= limit, s_patience))
            Assert.Fail($"{what}: at most {limit} expected, still {last}");
    }
}
