using HostMemd.Qapi;

namespace HostMemd.Backend.Jobs;

/// <summary>
/// Work that goes on after its command was answered, or that a second client may want to watch or stop.
/// Used with the daemon's state held.
/// </summary>
public abstract class Job(string id)
{
    public string Id { get; } = id;

    public abstract JobType Type { get; }

    public JobStatus Status { get; internal set; }

    /// <summary>Why the job failed; null while it goes on and when it succeeded.</summary>
    public string? Error { get; internal set; }

    /// <summary>
    /// A command started the job and waits for it. QEMU has no job there, so it sends no events and leaves the table by itself.
    /// </summary>
    public bool IsImplicit { get; init; }

    /// <summary>Bytes done.</summary>
    public abstract ulong Current { get; }

    /// <summary>Bytes to do.</summary>
    public abstract ulong Total { get; }

    /// <summary>Asks the job to stop; it concludes soon.</summary>
    internal abstract void Cancel();

    internal abstract void Pause(bool paused);

    /// <summary>It has concluded.</summary>
    internal virtual void End()
    {
    }
}
