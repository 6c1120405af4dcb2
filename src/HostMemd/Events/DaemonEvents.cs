using HostMemd.Backend.Leases;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Events;

enum ShutdownReason { Quit, Signal }

/// <summary>The events a client can receive, one row each.</summary>
static class DaemonEvents
{
    static readonly EventTable s_table = new();

    static readonly QapiEnum<ShutdownReason> s_reason =
        new("ShutdownCause", ("host-qmp-quit", ShutdownReason.Quit), ("host-signal", ShutdownReason.Signal));

    public static DeclaredEvent<bool, ShutdownReason> Shutdown { get; } = new(s_table, "SHUTDOWN", "The daemon ends.", false,
        new("guest", Bool, "Always false: no guest asked for it."), new("reason", s_reason, "Why."));

    public static DeclaredEvent<string, JobStatus> JobStatusChange { get; } = new(s_table, "JOB_STATUS_CHANGE",
        "A job has a new status. Only watchers receive it for jobs that a command waits for.", false,
        new("id", Str, "The job."), new("status", JobInfo.StatusType, "Its status."));

    public static DeclaredEvent<string> MemdevAdded { get; } = new(s_table, "MEMDEV_ADDED", "A memory backend was made.", true,
        new("id", Str, "The backend."));

    public static DeclaredEvent<string> MemdevDeleted { get; } = new(s_table, "MEMDEV_DELETED", "A memory backend was deleted and its memory is free.",
        true, new("id", Str, "The backend."));

    static readonly Datum<string> s_mapping = new("mapping", Str, "The lease.");
    static readonly Datum<long> s_pid = new("pid", Int, "The process it is for.");

    public static DeclaredEvent<string, string, long> MemdevMapped { get; } = new(s_table, "MEMDEV_MAPPED", "Memory was lent.", true,
        new("id", Str, "The backend."), s_mapping, s_pid);

    public static DeclaredEvent<string, string, long, LeaseEnd> MemdevUnmapped { get; } = new(s_table, "MEMDEV_UNMAPPED", "A lease has ended.", true,
        new("id", Str, "The backend."), s_mapping, s_pid,
        new("reason", new QapiEnum<LeaseEnd>("MemdevUnmapReason", ("unmap", LeaseEnd.Unmap), ("exit", LeaseEnd.Exit)), "Why."));

    public static DeclaredEvent<string, string, ulong, ulong> PreallocProgress { get; } = new(s_table, "MEMDEV_PREALLOC_PROGRESS",
        "A filling has come further; at most four a second.", true,
        new("id", Str, "The backend."), new("job-id", Str, "The job."),
        new("current-progress", QapiTypes.Size, "Bytes done."), new("total-progress", QapiTypes.Size, "Bytes to do."));

    /// <summary>In the order of the rows, which is that of the schema.</summary>
    public static IReadOnlyList<Event> All => s_table.All;
}
