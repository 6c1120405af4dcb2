using System.Collections.Concurrent;
using System.Diagnostics;
using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Protocol;
using HostMemd.Qapi;

namespace HostMemd;

/// <summary>Tells clients what happens to objects and jobs.</summary>
static class MemoryEvents
{
    static readonly TimeSpan s_progressPause = TimeSpan.FromMilliseconds(250);

    public static void Connect(ObjectRegistry objects, JobTable jobs, LeaseTable leases, SessionHost sessions)
    {
        var progress = new Progress(sessions);
        objects.Added += made =>
        {
            if (made is HostMemoryBackend)
                Events.MemdevAdded.Send(sessions, made.Name);
        };
        objects.Deleted += gone =>
        {
            if (gone is not HostMemoryBackend)
                return;
            progress.Forget(gone.Name);
            Events.MemdevDeleted.Send(sessions, gone.Name);
        };
        leases.Given += l => Events.MemdevMapped.Send(sessions, l.Backend.Name, l.Mapping, l.Pid);
        leases.Ended += (l, reason) => Events.MemdevUnmapped.Send(sessions, l.Backend.Name, l.Mapping, l.Pid, reason);
        jobs.StatusChanged += job =>
        {
            // QEMU has no job where a command waits, so a client of QEMU's would not expect to hear of one.
            Events.JobStatusChange.Send(sessions, job.Id, job.Status, onlyWatchers: job.IsImplicit);
            if (job is FillJob { Status: JobStatus.Running } filling)
                progress.Begin(filling);
        };
    }

    /// <summary>Reports of one filling go on while it is paused, and fillings of one object that follow each other share its pace.</summary>
    sealed class Progress(SessionHost sessions)
    {
        readonly ConcurrentDictionary<FillJob, byte> _reported = new();
        readonly ConcurrentDictionary<string, long> _last = new(StringComparer.Ordinal);

        public void Begin(FillJob job)
        {
            if (_reported.TryAdd(job, 0))
                _ = ReportAsync(job);
        }

        public void Forget(string memdev) => _last.TryRemove(memdev, out _);

        async Task ReportAsync(FillJob job)
        {
            using var timer = new PeriodicTimer(s_progressPause);
            do
            {
                // Clients may begin to watch at any time.
                if (job.Status == JobStatus.Running && sessions.IsWatched && IsTime(job.Memdev))
                    Events.PreallocProgress.Send(sessions, job.Memdev, job.Id, job.Current, job.Total);
            }
            while (await timer.WaitForNextTickAsync().ConfigureAwait(false) && job.Status is JobStatus.Running or JobStatus.Paused);
            _reported.TryRemove(job, out _);
        }

        bool IsTime(string memdev)
        {
            var now = Stopwatch.GetTimestamp();
            // A timer's tick may come a little early.
            if (_last.TryGetValue(memdev, out var last) && Stopwatch.GetElapsedTime(last, now) < s_progressPause * 0.95)
                return false;
            _last[memdev] = now;
            return true;
        }
    }
}
