using System.Collections.Concurrent;
using HostMemd.Linux;

namespace HostMemd.Faulty;

/// <summary>
/// Which of all possible faults are tried: the first call of a kind with five errnos, the later ones with one each. With
/// HOSTMEMD_FAULTS_FULL=1 every call with every errno, many times as long.
/// </summary>
static class Sampling
{
    static readonly bool s_isFull = Environment.GetEnvironmentVariable("HOSTMEMD_FAULTS_FULL") == "1";

    // Of hundreds of files of /proc that are all read alike the first few are enough.
    static int MostCalls => s_isFull ? 12 : 6;

    /// <summary>The calls that an operation made, each with how often; one that no errno is known for would go untested, and
    /// fails.</summary>
    public static (string Call, int Count)[] Of(ConcurrentQueue<string> seen)
    {
        var unknown = seen.Where(c => Errnos.Of(c) is null).Distinct();
        Assert.True(!unknown.Any(), $"no errnos are listed for {string.Join(", ", unknown)}");
        return [.. seen.GroupBy(c => c).Select(g => (g.Key, Math.Min(g.Count(), MostCalls))).Where(c => Errnos.Of(c.Key)!.Length > 0)];
    }

    public static IEnumerable<(string Call, int Nth, Errno Errno)> Faults(IEnumerable<(string Call, int Count)> calls)
    {
        foreach (var (call, count) in calls)
        {
            var errnos = Errnos.Of(call)!;
            for (var nth = 1; nth <= count; nth++)
            {
                foreach (var errno in s_isFull ? errnos : Some(errnos, nth == 1 ? 5 : 1, nth))
                    yield return (call, nth, errno);
            }
        }
    }

    // Spread over the list, and others for each call.
    static IEnumerable<Errno> Some(Errno[] all, int most, int nth) =>
        Enumerable.Range(0, Math.Min(most, all.Length)).Select(i => all[(i * all.Length / Math.Min(most, all.Length) + nth) % all.Length]);
}
