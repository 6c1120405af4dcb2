using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Regions;
using HostMemd.Backend.Threads;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Memory;

// Filling the memory ahead of use. It is a job, in its turn among the changes of this object, whether object-add, qom-set or
// memdev-prealloc asks for it.
public abstract partial class HostMemoryBackend
{
    // The command waits for the job, but other clients may watch and stop it.
    FillJob NewImplicitJob() => new("prealloc-" + Name, Name, Size, Services.Fillers) { IsImplicit = true };

    /// <summary>Starts a filling as a job of that id and returns at once. Called with the state held.</summary>
    /// <exception cref="QmpException">This memory cannot be filled, or the id is taken.</exception>
    public void StartPrealloc(string jobId, uint threads)
    {
        Services.State.AssertHeld();
        if (Region is not { } region)
            throw QmpErrors.ObjectNotFound(Name);
        if (!Reserve)
            throw QmpErrors.PreallocWithoutReserve();
        if (region.IsReadOnly)
            throw QmpErrors.ReadonlyPrealloc();
        var job = new FillJob(jobId, Name, Size, Services.Fillers) { Threads = threads };
        Services.Jobs.Add(job);
        _ = RunAsync(job);

        async Task RunAsync(FillJob job)
        {
            // Not on the caller's thread: the caller holds the state.
            await Task.Yield();
            try
            {
                await PreallocInTurnAsync(job, default, added: true).ConfigureAwait(false);
            }
            catch (QmpException)
            {
                // The job has the error.
            }
            catch (Exception bug)
            {
                Log.FillingBroke(Services.Logger, Name, bug);
            }
        }
    }

    async Task PreallocInTurnAsync(FillJob job, Waiter waiter, bool added = false)
    {
        if (!added)
        {
            using (Services.State.Enter())
                Services.Jobs.Add(job);
        }
        QmpException? failure = null;
        using var stopping = waiter.Cancellation.UnsafeRegister(_ => Stop(job), null);
        try
        {
            using var turn = await _changes.EnterAsync(waiter).ConfigureAwait(false);
            if (Region is not { Mapping.IsClosed: false } region)
                throw QmpErrors.DeviceNotFound(Path);
            if (region.IsReadOnly)
                throw QmpErrors.ReadonlyPrealloc();
            await FillRegionAsync(job, region, waiter).ConfigureAwait(false);
            _prealloc = true;
        }
        catch (Exception error)
        {
            failure = error as QmpException ?? QmpErrors.PreallocFailed(error.Message);
            throw;
        }
        finally
        {
            using (Services.State.Enter())
            {
                if (job.Status < JobStatus.Concluded)
                    Services.Jobs.Conclude(job, failure?.Message);
                if (failure is null && Parent is not null)
                    Services.Tree.NotifyChanged(this);
            }
        }
    }

    void Stop(FillJob job)
    {
        using (Services.State.Enter())
            Services.Jobs.Stop(job);
    }

    // Memory that is being deleted need not be filled. A command that waits for its filling keeps its turn: it was first, as in QEMU.
    void StopJobs()
    {
        using (Services.State.Enter())
        {
            foreach (var job in Services.Jobs.All)
            {
                if (job is FillJob { IsImplicit: false, Status: < JobStatus.Aborting } fill && fill.Memdev == Name)
                    Services.Jobs.Cancel(job.Id);
            }
        }
    }

    async Task FillRegionAsync(FillJob job, MemoryRegion region, Waiter waiter)
    {
        var shortage = new Shortage(region, HostNodes, Reserve);
        if ((shortage.OfHugePages() ?? shortage.OfControlGroup(Services.Fillers.Promised)) is { } missing)
            throw QmpErrors.PreallocFailed($"{Errno.ENOMEM.Text}: {missing}");
        var (wasEmpty, holes) = (region.IsEmpty, FileHoles.Of(region));
        var threads = job.Threads == 0 ? PreallocThreads : job.Threads;
        using var filling = new Filling(region, threads, WorkerCpus()) { Progress = waiter.Progress };
        using (Services.State.Enter())
        {
            job.Attach(filling);
            if (job.IsCancelled)
                filling.Stop();
            else
                Services.Jobs.Move(job, JobStatus.Running);
        }
        var errno = await Services.Fillers.RunAsync(filling).ConfigureAwait(false);
        waiter.Progress?.Report(new(filling.Current, filling.Total));
        if (errno.Ok)
            return;
        var reached = $"{errno.Text}: {filling.Current} of {filling.Total} bytes filled";
        if (errno != Errno.ECANCELED && shortage.Describe(errno) is { } reason)
            reached += ", " + reason;
        filling.Dispose();
        var failure = QmpErrors.PreallocFailed(reached);
        if (errno == Errno.ECANCELED && waiter.Cancellation.IsCancellationRequested)
            failure = failure.As(RefusalKind.Cancelled);
        if (errno == Errno.ECANCELED)
        {
            // Giving gigabytes back takes longer than stopping. The client that cancels need not wait for it; the next change of this
            // memory does.
            using (Services.State.Enter())
                Services.Jobs.Conclude(job, failure.Message);
        }
        // Memory that never was complete is unmapped next, which frees it unless a file with a path holds it.
        if ((wasEmpty || holes is not null) && (_isComplete || HasPath))
            await MemoryWork.RunAsync(filling.Current > QuickBytes, () => region.GiveBack(wasEmpty, holes)).ConfigureAwait(false);
        throw failure;
    }

    // The CPUs of the context, else those of the nodes that the memory is bound to, as far as the daemon may use them.
    Func<int[]?> WorkerCpus()
    {
        if (PreallocContext is { } context)
            return context.CurrentCpus;
        if (HostNodes.IsEmpty || Sched.GetAffinity(0, out var own).Failed)
            return () => null;
        int[] local = [.. HostNodes.ToList().SelectMany(n => Sysfs.NodeCpus(n)).Intersect(own).Order()];
        return () => local.Length > 0 ? local : null;
    }
}
