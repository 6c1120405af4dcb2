using System.Diagnostics;
using HostMemd.Backend.Jobs;
using HostMemd.Qapi;

namespace HostMemd.Backend.Prealloc;

/// <summary>The filling of one object, as clients see it.</summary>
public sealed class FillJob(string id, string memdev, ulong size, FillPool pool) : Job(id)
{
    // Runs while the memory is being filled.
    readonly Stopwatch _filled = new();
    Filling? _filling;

    /// <summary>The object that is filled.</summary>
    public string Memdev { get; } = memdev;

    /// <summary>The most workers; 0 for the object's <c>prealloc-threads</c>.</summary>
    public uint Threads { get; init; }

    /// <summary>When it was asked for.</summary>
    public DateTimeOffset Since { get; } = DateTimeOffset.UtcNow;

    /// <summary>How many workers it may have at once; null until its turn has come.</summary>
    public uint? Workers => (uint?)_filling?.Workers;

    /// <summary>On average over the time that it was filling; 0 before it began.</summary>
    public ulong BytesPerSecond => _filled.Elapsed is { TotalMilliseconds: >= 1 and var spent } ? (ulong)(Current * 1000 / spent) : 0;

    public override JobType Type => JobType.MemdevPrealloc;
    public override ulong Current => _filling?.Current ?? 0;
    public override ulong Total => size;

    /// <summary>A client cancelled the job before its turn had come.</summary>
    internal bool IsCancelled { get; private set; }

    /// <summary>Called when the job's turn has come.</summary>
    internal void Attach(Filling filling)
    {
        _filling = filling;
        _filled.Start();
    }

    internal override void End() => _filled.Stop();

    internal override void Cancel()
    {
        IsCancelled = true;
        if (_filling is not null)
            pool.Cancel(_filling);
    }

    internal override void Pause(bool paused)
    {
        if (_filling is null)
            return;
        pool.Pause(_filling, paused);
        if (paused)
            _filled.Stop();
        else
            _filled.Start();
    }
}
