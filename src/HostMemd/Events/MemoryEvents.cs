using System.Collections.Concurrent;
using System.Diagnostics;
using HostMemd.Backend.Jobs;
using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;

namespace HostMemd.Events;

/// <summary>Sends events about objects, jobs and leases to the clients.</summary>
static class MemoryEvents
{
    static readonly TimeSpan s_progressPause = TimeSpan.FromMilliseconds(250);

    public static void Connect(ObjectRegistry objects, JobTable jobs, LeaseTable leases, IAudience audience)
    {
        var progress = new Progress(audience);
        objects.Added += made =>
        {
            if (made is HostMemoryBackend)
                DaemonEvents.MemdevAdded.Send(audience, made.Name);
        };
        objects.Deleted += gone =>
        {
            if (gone is not HostMemoryBackend)
                return;
            progress.Forget(gone.Name);
            DaemonEvents.MemdevDeleted.Send(audience, gone.Name);
        };
        leases.Given += l => DaemonEvents.MemdevMapped.Send(audience, l.Backend.Name, l.Mapping, l.Pid);
        leases.Ended += (l, reason) => DaemonEvents.MemdevUnmapped.Send(audience, l.Backend.Name, l.Mapping, l.Pid, reason);
        jobs.StatusChanged += job =>
        {
            // QEMU makes no job for a command that waits, so a client written for QEMU does not expect its events.
            DaemonEvents.JobStatusChange.Send(audience, job.Id, job.Status, onlyWatchers: job.IsImplicit);
            if (job is FillJob { Status: JobStatus.Running } filling)
                progress.Begin(filling);
        };
    }

    /// <summary>Reports go on while a filling is paused. Successive fillings of one object share one pace.</summary>
    sealed class Progress(IAudience audience)
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
                if (job.Status == JobStatus.Running && audience.IsWatched && IsTime(job.Memdev))
                    DaemonEvents.PreallocProgress.Send(audience, job.Memdev, job.Id, job.Current, job.Total);
            }
            while (await timer.WaitForNextTickAsync().ConfigureAwait(false) && job.Status is JobStatus.Running or JobStatus.Paused);
            _reported.TryRemove(job, out _);
        }

        bool IsTime(string memdev)
        {
            var now = Stopwatch.GetTimestamp();
            // A tick of the timer may come a little early.
            if (_last.TryGetValue(memdev, out var last) && Stopwatch.GetElapsedTime(last, now) < s_progressPause * 0.95)
                return false;
            _last[memdev] = now;
            return true;
        }
    }
}
