using HostMemd.Protocol;
using HostMemd.Qapi;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>QEMU's jobs. Nothing makes any yet.</summary>
static class JobCommands
{
    sealed class JobInfo
    {
        public string Id { get; set; } = "";
        public JobType Type { get; set; }
        public JobStatus Status { get; set; }
        public long CurrentProgress { get; set; }
        public long TotalProgress { get; set; }
        public string? Error { get; set; }
    }

    enum JobType { MemdevPrealloc }

    enum JobStatus { Created, Running, Aborting, Concluded, Null }

    static readonly QapiStruct<JobInfo> s_jobInfo = new QapiStruct<JobInfo>("JobInfo")
        .Row("id", Str, "The job.", j => j.Id, (j, v) => j.Id = v)
        .Row("type", new QapiEnum<JobType>("JobType", ("memdev-prealloc", JobType.MemdevPrealloc)), "What it does.",
            j => j.Type, (j, v) => j.Type = v)
        .Row("status", new QapiEnum<JobStatus>("JobStatus", ("created", JobStatus.Created), ("running", JobStatus.Running),
            ("aborting", JobStatus.Aborting), ("concluded", JobStatus.Concluded), ("null", JobStatus.Null)), "Where it stands.",
            j => j.Status, (j, v) => j.Status = v)
        .Row("current-progress", Int, "Bytes done.", j => j.CurrentProgress, (j, v) => j.CurrentProgress = v)
        .Row("total-progress", Int, "Bytes to do.", j => j.TotalProgress, (j, v) => j.TotalProgress = v)
        .Opt("error", Str, "Why it failed.", j => j.Error, (j, v) => j.Error = v);

    static readonly Arg<string> s_id = Arg("id", Str, "The job.");

    public static IEnumerable<Command> All()
    {
        yield return Command("query-jobs", "List the jobs.", ListOf(s_jobInfo), _ => (IReadOnlyList<JobInfo>)[])
            .OutOfBand().ForObservers();
        yield return Command("job-cancel", "Stop a job.", None, s_id, Unknown).OutOfBand();
        yield return Command("job-pause", "Pause a job.", None, s_id, Unknown);
        yield return Command("job-resume", "Go on with a paused job.", None, s_id, Unknown);
        yield return Command("job-complete", "Complete a job that waits to be told.", None, s_id, Unknown);
        yield return Command("job-finalize", "Finalize a job that waits to be told.", None, s_id, Unknown);
        yield return Command("job-dismiss", "Forget a concluded job.", None, s_id, Unknown);
    }

    static Nothing Unknown(Call call, string id) => throw QmpErrors.JobNotFound();
}
