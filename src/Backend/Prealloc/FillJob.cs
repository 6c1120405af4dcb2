using HostMemd.Backend.Jobs;
using HostMemd.Qapi;

namespace HostMemd.Backend.Prealloc;

/// <summary>The filling of one object, as clients see it.</summary>
public sealed class FillJob(string id, string memdev, ulong size, FillPool pool) : Job(id)
{
    Filling? _filling;

    /// <summary>The object that is filled.</summary>
    public string Memdev { get; } = memdev;

    /// <summary>The most workers; 0 for the object's <c>prealloc-threads</c>.</summary>
    public uint Threads { get; init; }

    public override JobType Type => JobType.MemdevPrealloc;
    public override ulong Current => _filling?.Current ?? 0;
    public override ulong Total => size;

    /// <summary>A client cancelled the job before its turn had come.</summary>
    internal bool IsCancelled { get; private set; }

    /// <summary>Called when the job's turn has come.</summary>
    internal void Attach(Filling filling) => _filling = filling;

    internal override void Cancel()
    {
        IsCancelled = true;
        if (_filling is not null)
            pool.Cancel(_filling);
    }

    internal override void Pause(bool paused)
    {
        if (_filling is not null)
            pool.Pause(_filling, paused);
    }
}
