using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Protocol;
using HostMemd.Qapi;

namespace HostMemd;

/// <summary>Tells clients what happens to objects and jobs.</summary>
static class MemoryEvents
{
    static readonly TimeSpan s_progressPause = TimeSpan.FromMilliseconds(250);

    public static void Connect(ObjectFactory objects, JobTable jobs, LeaseTable leases, SessionHost sessions)
    {
        objects.Added += made =>
        {
            if (made is HostMemoryBackend)
                Events.MemdevAdded.Send(sessions, made.Name);
        };
        objects.Deleted += gone =>
        {
            if (gone is HostMemoryBackend)
                Events.MemdevDeleted.Send(sessions, gone.Name);
        };
        leases.Given += l => Events.MemdevMapped.Send(sessions, l.Backend.Name, l.Mapping, l.Pid);
        leases.Ended += (l, reason) => Events.MemdevUnmapped.Send(sessions, l.Backend.Name, l.Mapping, l.Pid, reason);
        jobs.StatusChanged += job =>
        {
            // QEMU has no job where a command waits, so a client of QEMU's would not expect to hear of one.
            Events.JobStatusChange.Send(sessions, job.Id, job.Status, onlyWatchers: job.IsImplicit);
            if (job is FillJob { Status: JobStatus.Running } filling)
                _ = ReportAsync(filling, sessions);
        };
    }

    static async Task ReportAsync(FillJob job, SessionHost sessions)
    {
        using var timer = new PeriodicTimer(s_progressPause);
        do
            Events.PreallocProgress.Send(sessions, job.Memdev, job.Id, job.Current, job.Total);
        while (await timer.WaitForNextTickAsync().ConfigureAwait(false) && job.Status == JobStatus.Running);
    }
}
