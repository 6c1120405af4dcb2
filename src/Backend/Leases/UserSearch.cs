using HostMemd.Backend.Regions;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using Microsoft.Extensions.Logging;

namespace HostMemd.Backend.Leases;

/// <summary>
/// Answers who else holds memory, by the kernel's word. Asked whether anybody does, a write lease answers in microseconds; only when
/// somebody does are all processes looked at, once for all who wait.
/// </summary>
public sealed class UserSearch(ILogger logger)
{
    readonly Lock _gate = new();
    HashSet<FileIdentity> _wanted = [];
    Task<ScanResult>? _next;
    Task _current = Task.CompletedTask;
    bool _hasToldOfUnseen;

    /// <summary>The process that stores our descriptors for us, or null.</summary>
    public int? Storekeeper { get; init; }

    /// <summary>Whether another process maps or holds the memory: yes, no, or null when the kernel does not tell.</summary>
    /// <param name="region">The memory.</param>
    /// <param name="isSharedByUs">Whether another object of ours has the same file; only asked when it matters.</param>
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
        // Nobody was seen. Either the holder is one we may not look at, or a descriptor on its way in a socket, or an object of our
        // own has the same file; or it is gone by now.
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
    /// Of memory at which a scan has shown nobody: whether somebody may be there all the same, one of the processes that could not be
    /// looked at or a descriptor on its way.
    /// </summary>
    public static bool MayBeUsedUnseen(MemoryRegion region, int unseen) =>
        region.File is { IsClosed: false } file && (Files.TryWriteLease(file, out var alone).Ok ? !alone : unseen > 0);

    /// <summary>All holders of these files but ourselves.</summary>
    public Task<ScanResult> ScanAsync(IEnumerable<FileIdentity> files)
    {
        lock (_gate)
        {
            _wanted.UnionWith(files);
            // A scan under way may have passed the holder already: the answer must come from one that starts after the question.
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
        // An operator hears of it once: it is a matter of rights, and those do not change.
        if (result.Unseen > 0 && !Interlocked.Exchange(ref _hasToldOfUnseen, true))
            LeaseLog.SomeUnseen(logger, result.Unseen);
        return result;
    }
}
