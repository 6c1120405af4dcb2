using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Qapi;

/// <summary>The states of QEMU's JobStatus that the daemon's jobs can have.</summary>
public enum JobStatus { Created, Running, Paused, Aborting, Concluded, Null }

/// <summary>QEMU's JobType, with the one type of the daemon's jobs.</summary>
public enum JobType { MemdevPrealloc }

/// <summary>A job, as <c>query-jobs</c> lists it.</summary>
public sealed class JobInfo
{
    public string Id { get; set; } = "";
    public JobType Type { get; set; }
    public JobStatus Status { get; set; }
    public ulong CurrentProgress { get; set; }
    public ulong TotalProgress { get; set; }
    public string? Error { get; set; }

    public static QapiEnum<JobStatus> StatusType { get; } = new("JobStatus", ("created", JobStatus.Created),
        ("running", JobStatus.Running), ("paused", JobStatus.Paused), ("aborting", JobStatus.Aborting),
        ("concluded", JobStatus.Concluded), ("null", JobStatus.Null));

    public static QapiEnum<JobType> TypeType { get; } = new("JobType", ("memdev-prealloc", JobType.MemdevPrealloc));

    public static QapiStruct<JobInfo> Schema { get; } = new("JobInfo", rows => rows
        .Row("id", Str, "The job.", j => j.Id, (j, v) => j.Id = v)
        .Row("type", TypeType, "What it does.", j => j.Type, (j, v) => j.Type = v)
        .Row("status", StatusType, "Where it stands.", j => j.Status, (j, v) => j.Status = v)
        .Row("current-progress", QapiTypes.Size, "Bytes done.", j => j.CurrentProgress, (j, v) => j.CurrentProgress = v)
        .Row("total-progress", QapiTypes.Size, "Bytes to do.", j => j.TotalProgress, (j, v) => j.TotalProgress = v)
        .Opt("error", Str, "Why it failed.", j => j.Error, (j, v) => j.Error = v));
}
