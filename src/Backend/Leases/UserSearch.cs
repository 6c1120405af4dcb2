using HostMemd.Backend.Regions;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using Microsoft.Extensions.Logging;

namespace HostMemd.Backend.Leases;

/// <summary>
/// Finds the other users of memory, by the kernel's word. A write lease answers in microseconds whether there is one; only if there is, all
/// processes are scanned, once for all callers that wait.
/// </summary>
public sealed class UserSearch(ILogger logger)
{
    readonly Lock _gate = new();
    HashSet<FileIdentity> _wanted = [];
    Task<ScanResult>? _next;
    Task _current = Task.CompletedTask;
    bool _hasLoggedUnseen;

    /// <summary>The process that keeps the daemon's descriptor store, or null.</summary>
    public int? Storekeeper { get; init; }

    /// <summary>Whether another process maps the memory or has it open; null when the kernel does not say.</summary>
    /// <param name="region">The memory.</param>
    /// <param name="isSharedByUs">Whether another object of the daemon has the same file; called only when it matters.</param>
    public async ValueTask<bool?> IsUsedElsewhereAsync(MemoryRegion region, Func<bool> isSharedByUs)
    {
        if (region.Identity is not { } file)
            return false;
        var asked = Files.TryWriteLease(region.File!, out var alone);
        if (asked.Ok && alone)
            return false;
        var scan = await ScanAsync([file]).ConfigureAwait(false);
        if (scan.Users.Any(h => h.File == file))
            return true;
        // The scan found no user. The user may be a process that the daemon may not inspect, a descriptor in flight in a socket, or another
        // object of the daemon; or it is gone by now.
        if (asked.Ok && Files.TryWriteLease(region.File!, out alone).Ok && (alone || isSharedByUs()))
            return false;
        if (asked.Ok)
            return true;
        if (scan.Unseen == 0)
            return false;
        Log.UsersUnknown(logger, scan.Unseen, asked);
        return null;
    }

    /// <summary>
    /// Whether memory in which a scan found no user may have one all the same: a process that could not be inspected, or a descriptor in
    /// flight.
    /// </summary>
    public static bool MayBeUsedUnseen(MemoryRegion region, int unseen) =>
        region.File is { IsClosed: false } file && (Files.TryWriteLease(file, out var alone).Ok ? !alone : unseen > 0);

    /// <summary>All users of these files but the daemon.</summary>
    public Task<ScanResult> ScanAsync(IEnumerable<FileIdentity> files)
    {
        lock (_gate)
        {
            _wanted.UnionWith(files);
            // A scan under way may have passed the user already: the answer must come from one that starts after the question.
            return _next ??= RunAfter(_current);
        }
    }

    async Task<ScanResult> RunAfter(Task before)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing | ConfigureAwaitOptions.ForceYielding);
        Task<ScanResult> scan;
        lock (_gate)
        {
            var wanted = _wanted;
            _wanted = [];
            _next = null;
            _current = scan = OwnThread.RunAsync(() => ProcessScan.Run(wanted, storekeeper: Storekeeper));
        }
        var result = await scan.ConfigureAwait(false);
        if (result.Unseen > 0)
            Log.ProcessesUnseen(logger, result.Unseen);
        // Logged for the operator once: it is a matter of rights, and those do not change.
        if (result.Unseen > 0 && !Interlocked.Exchange(ref _hasLoggedUnseen, true))
            Log.SomeUnseen(logger, result.Unseen);
        return result;
    }
}
