using HostMemd.Qapi;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Client;

/// <summary>The commands that have a method of their own. The daemon writes its replies with the same result types.</summary>
static class CommandRows
{
    public static readonly Argument<string> Id = new("id", Str);
    public static readonly Argument<string> Path = new("path", Str);
    public static readonly Argument<string> Property = new("property", Str);
    public static readonly Argument<Value> NewValue = new("value", Any);
    public static readonly Argument<string> Mapping = new("mapping", Str);
    public static readonly Argument<string> JobId = new("job-id", Str);
    public static readonly Argument<bool> Enable = new("enable", Bool);
    public static readonly Optional<string> OnlyId = new("id", Str);
    public static readonly Optional<long> Pid = new("pid", Int);
    public static readonly Optional<bool> ReadOnly = new("readonly", Bool);
    public static readonly Optional<string> Name = new("name", Str);
    public static readonly Optional<uint> Threads = new("threads", U32);

    public static readonly CommandRow<Nothing> Delete = new("object-del", None, Id);
    public static readonly CommandRow<Value> Get = new("qom-get", Any, Path, Property);
    public static readonly CommandRow<Nothing> Set = new("qom-set", None, Path, Property, NewValue);
    public static readonly CommandRow<IReadOnlyList<Memdev>> Memdevs = new("query-memdev", ListOf(Memdev.Schema));
    public static readonly CommandRow<IReadOnlyList<MemdevStats>> Stats = new("query-memdev-stats", ListOf(MemdevStats.Schema), OnlyId);
    public static readonly CommandRow<Nothing> Prealloc = new("memdev-prealloc", None, Id, JobId, Threads);
    public static readonly CommandRow<IReadOnlyList<JobInfo>> Jobs = new("query-jobs", ListOf(JobInfo.Schema));
    public static readonly CommandRow<Nothing> CancelJob = new("job-cancel", None, Id);
    public static readonly CommandRow<Nothing> DismissJob = new("job-dismiss", None, Id);
    public static readonly CommandRow<MemdevMapped> Map = new("memdev-map", MemdevMapped.Schema, Id, Pid, ReadOnly, Name);
    public static readonly CommandRow<Nothing> Unmap = new("memdev-unmap", None, Mapping);
    public static readonly CommandRow<IReadOnlyList<MemdevMapping>> Mappings =
        new("query-memdev-mappings", ListOf(MemdevMapping.Schema), OnlyId);
    public static readonly CommandRow<IReadOnlyList<MemdevJob>> MemdevJobs = new("query-memdev-jobs", ListOf(MemdevJob.Schema));
    public static readonly CommandRow<IReadOnlyList<MemdevLimit>> Limits = new("query-memdev-limits", ListOf(MemdevLimit.Schema));
    public static readonly CommandRow<MemdevSession> Session = new("query-memdev-session", MemdevSession.Schema);
    public static readonly CommandRow<MemdevHost> Host = new("query-memdev-host", MemdevHost.Schema);
    public static readonly CommandRow<Nothing> Watch = new("memdev-watch", None, Enable);

    public static IReadOnlyList<CommandRow> All { get; } =
    [
        Delete, Get, Set, Memdevs, Stats, Prealloc, Jobs, CancelJob, DismissJob, Map, Unmap, Mappings, MemdevJobs, Limits, Session, Host,
        Watch,
    ];

    /// <summary><c>object-add</c>: its arguments are one value, a type with the members of that type.</summary>
    public const string Add = "object-add";
}
