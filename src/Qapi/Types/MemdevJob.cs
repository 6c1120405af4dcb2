using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Qapi;

/// <summary>What QEMU's JobInfo has no member for, as <c>query-memdev-jobs</c> lists it.</summary>
public sealed class MemdevJob
{
    public string JobId { get; set; } = "";
    public string Id { get; set; } = "";
    public uint? Threads { get; set; }
    public long Since { get; set; }
    public ulong BytesPerSecond { get; set; }

    public static QapiStruct<MemdevJob> Schema { get; } = new("MemdevJob", rows => rows
        .Row("job-id", Str, "The job, as query-jobs names it.", j => j.JobId, (j, v) => j.JobId = v)
        .Row("id", Str, "The backend that it fills.", j => j.Id, (j, v) => j.Id = v)
        .Opt("threads", U32, "At most as many threads fill it; absent until its turn has come.", j => j.Threads, (j, v) => j.Threads = v)
        .Row("since", UnixTime, "When the job was made.", j => j.Since, (j, v) => j.Since = v)
        .Row("bytes-per-second", U64, "Bytes filled in a second, on average over the time that it was filling: pauses do not count.",
            j => j.BytesPerSecond, (j, v) => j.BytesPerSecond = v));
}
