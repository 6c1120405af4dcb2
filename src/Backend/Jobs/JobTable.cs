using HostMemd.Qapi;

namespace HostMemd.Backend.Jobs;

/// <summary>The jobs by id, and the only place where their status changes. Used with the daemon's state held.</summary>
public sealed class JobTable(StateLock state)
{
    readonly Dictionary<string, Job> _jobs = new(StringComparer.Ordinal);

    /// <summary>A job has a new status; for QEMU's JOB_STATUS_CHANGE.</summary>
    public event Action<Job>? StatusChanged;

    /// <summary>Jobs at once that are not concluded. Every job is a filling.</summary>
    public Limit MaxFillings { get; set; }

    public IReadOnlyList<Job> All => [.. _jobs.Values];

    /// <exception cref="QmpException">There are too many, or the id is malformed or taken.</exception>
    public void Add(Job job)
    {
        state.AssertHeld();
        if (MaxFillings.IsReachedBy(_jobs.Values.Count(j => j.Status < JobStatus.Concluded)))
            throw QmpErrors.LimitReached(MaxFillings);
        if (!Identifier.IsWellFormed(job.Id))
            throw QmpErrors.InvalidJobId(job.Id);
        if (!_jobs.TryAdd(job.Id, job))
            throw QmpErrors.JobIdInUse(job.Id);
        StatusChanged?.Invoke(job);
    }

    internal void Move(Job job, JobStatus status)
    {
        state.AssertHeld();
        if (job.Status == status)
            return;
        job.Status = status;
        if (status == JobStatus.Null)
            _jobs.Remove(job.Id);
        StatusChanged?.Invoke(job);
    }

    /// <summary>Ends a job. An implicit one leaves the table at once, since no client dismisses it.</summary>
    internal void Conclude(Job job, string? error)
    {
        job.Error = error;
        job.End();
        if (error is not null)
            Move(job, JobStatus.Aborting);
        Move(job, JobStatus.Concluded);
        if (job.IsImplicit)
            Move(job, JobStatus.Null);
    }

    public void Cancel(string id)
    {
        var job = Find(id, "cancel", JobStatus.Created, JobStatus.Running, JobStatus.Paused);
        job.Cancel();
        if (job.Status != JobStatus.Created)
            Move(job, JobStatus.Aborting);
    }

    /// <summary>As <see cref="Cancel"/>, by the command that waits for the job. One that is over stays as it is.</summary>
    internal void Stop(Job job)
    {
        if (job.Status is JobStatus.Created or JobStatus.Running or JobStatus.Paused)
            Cancel(job.Id);
    }

    public void Pause(string id)
    {
        var job = Find(id, "pause", JobStatus.Running);
        job.Pause(true);
        Move(job, JobStatus.Paused);
    }

    public void Resume(string id)
    {
        var job = Find(id, "resume", JobStatus.Paused);
        job.Pause(false);
        Move(job, JobStatus.Running);
    }

    public void Dismiss(string id) => Move(Find(id, "dismiss", JobStatus.Concluded), JobStatus.Null);

    /// <summary>Refuses a command that no job of this daemon can follow in any state.</summary>
    /// <exception cref="QmpException">Always.</exception>
    public void Refuse(string id, string verb) => Find(id, verb);

    Job Find(string id, string verb, params JobStatus[] allowed)
    {
        state.AssertHeld();
        if (!_jobs.TryGetValue(id, out var job))
            throw QmpErrors.JobNotFound();
        return allowed.Contains(job.Status) ? job : throw QmpErrors.JobVerb(id, JobInfo.StatusType.NameOf(job.Status), verb);
    }
}
