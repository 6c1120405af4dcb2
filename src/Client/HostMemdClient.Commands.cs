using HostMemd.Qapi;

namespace HostMemd.Client;

// One method for each command that orchestrators and consumers use often; ExecuteAsync is for all others.
public sealed partial class HostMemdClient
{
    /// <summary>Makes an object.</summary>
    /// <param name="qomType">Its class, such as <c>memory-backend-memfd</c>.</param>
    /// <param name="id">Its name.</param>
    /// <param name="properties">Its properties: <c>new() { { "size", Value.From(1L &lt;&lt; 30) } }</c>.</param>
    /// <param name="cancellation">Ends the wait. The daemon may still make the object.</param>
    public Task AddObjectAsync(string qomType, string id, Members properties, CancellationToken cancellation = default)
    {
        var arguments = new Members(properties.Count + 2) { { "qom-type", Value.From(qomType) }, { "id", Value.From(id) } };
        foreach (var (name, value) in properties)
            arguments.Add(name, value);
        return ExecuteAsync(CommandRows.Add, arguments, cancellation);
    }

    /// <summary>Deletes an object. Returns when its memory is free; the daemon refuses while a process uses the memory.</summary>
    public Task DeleteObjectAsync(string id, CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Delete, With(CommandRows.Id, id), cancellation);

    /// <summary>Reads a property. The returned <see cref="Value"/> knows its kind.</summary>
    /// <param name="path">The object: <c>/objects/ID</c>, or any part of it that fits only one.</param>
    /// <param name="property">Its name.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public Task<Value> GetPropertyAsync(string path, string property, CancellationToken cancellation = default)
    {
        var arguments = With(CommandRows.Path, path);
        CommandRows.Property.AddTo(arguments, property);
        return CallAsync(CommandRows.Get, arguments, cancellation);
    }

    /// <summary>Changes a property.</summary>
    /// <param name="path">The object.</param>
    /// <param name="property">Its name.</param>
    /// <param name="value">The new value.</param>
    /// <param name="cancellation">Ends the wait.</param>
    public Task SetPropertyAsync(string path, string property, Value value, CancellationToken cancellation = default)
    {
        var arguments = With(CommandRows.Path, path);
        CommandRows.Property.AddTo(arguments, property);
        CommandRows.NewValue.AddTo(arguments, value);
        return CallAsync(CommandRows.Set, arguments, cancellation);
    }

    /// <summary>The memory backends and their properties.</summary>
    public Task<IReadOnlyList<Memdev>> QueryMemdevAsync(CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Memdevs, Members.None, cancellation);

    /// <summary>What the kernel reports of all memory, or of one backend.</summary>
    public Task<IReadOnlyList<MemdevStats>> QueryStatsAsync(string? id = null, CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Stats, id is null ? Members.None : With(CommandRows.OnlyId, id), cancellation);

    /// <summary>The processes that use all memory, or that of one backend.</summary>
    public Task<IReadOnlyList<MemdevMapping>> QueryMappingsAsync(string? id = null, CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Mappings, id is null ? Members.None : With(CommandRows.OnlyId, id), cancellation);

    /// <summary>Starts filling memory, as a job.</summary>
    /// <param name="id">The backend.</param>
    /// <param name="jobId">The id of the new job.</param>
    /// <param name="threads">The highest number of threads; null for the backend's own number.</param>
    /// <param name="cancellation">Ends the wait for the start, not the job.</param>
    public Task PreallocAsync(string id, string jobId, uint? threads = null, CancellationToken cancellation = default)
    {
        var arguments = With(CommandRows.Id, id);
        CommandRows.JobId.AddTo(arguments, jobId);
        if (threads is { } most)
            CommandRows.Threads.AddTo(arguments, most);
        return CallAsync(CommandRows.Prealloc, arguments, cancellation);
    }

    /// <summary>The jobs.</summary>
    public Task<IReadOnlyList<JobInfo>> QueryJobsAsync(CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Jobs, Members.None, cancellation);

    /// <summary>What <see cref="QueryJobsAsync"/> does not say of the jobs: the object, the threads, the rate.</summary>
    public Task<IReadOnlyList<MemdevJob>> QueryMemdevJobsAsync(CancellationToken cancellation = default) =>
        CallAsync(CommandRows.MemdevJobs, Members.None, cancellation);

    /// <summary>What is used of the daemon's limits; those of a user are the caller's.</summary>
    public Task<IReadOnlyList<MemdevLimit>> QueryLimitsAsync(CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Limits, Members.None, cancellation);

    /// <summary>Who the caller is to the daemon, and what it may do.</summary>
    public Task<MemdevSession> QuerySessionAsync(CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Session, Members.None, cancellation);

    /// <summary>The memory of the daemon's host.</summary>
    public Task<MemdevHost> QueryHostAsync(CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Host, Members.None, cancellation);

    /// <summary>Cancels a job. It concludes shortly afterwards.</summary>
    public Task CancelJobAsync(string jobId, CancellationToken cancellation = default) =>
        CallAsync(CommandRows.CancelJob, With(CommandRows.Id, jobId), cancellation);

    /// <summary>Removes a concluded job.</summary>
    public Task DismissJobAsync(string jobId, CancellationToken cancellation = default) =>
        CallAsync(CommandRows.DismissJob, With(CommandRows.Id, jobId), cancellation);

    /// <summary>Starts or stops the <c>MEMDEV_</c> events for this connection.</summary>
    public Task WatchAsync(bool enable, CancellationToken cancellation = default) =>
        CallAsync(CommandRows.Watch, With(CommandRows.Enable, enable), cancellation);

    static Members With<T>(Argument<T> argument, T value)
    {
        var arguments = new Members();
        argument.AddTo(arguments, value);
        return arguments;
    }

    static Members With<T>(Optional<T> argument, T value)
    {
        var arguments = new Members();
        argument.AddTo(arguments, value);
        return arguments;
    }
}
