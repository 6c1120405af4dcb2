using HostMemd.Backend.Jobs;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>QEMU's job commands, and <c>memdev-prealloc</c>, which makes a job.</summary>
static class JobCommands
{
    static readonly Topic s_topic = new("Jobs", "Filling memory in the background, and QEMU's commands for jobs.");

    // For the examples. A filling that an example meets half done takes a second.
    const string Fill = """{"id": "ram0", "job-id": "fill0"}""";
    const string Big = """{"qom-type": "memory-backend-memfd", "id": "big0", "size": 3221225472}""";
    const string FillBig = """{"id": "big0", "job-id": "fill0", "threads": 1}""";
    const string Running = """{"event": "JOB_STATUS_CHANGE", "data": {"id": "fill0", "status": "running"}}""";
    const string Concluded = """{"event": "JOB_STATUS_CHANGE", "data": {"id": "fill0", "status": "concluded"}}""";

    static readonly Arg<string> s_id = Arg("id", Str, "The job's id.");

    public static IEnumerable<Command> All(JobTable jobs, QomTree tree) => s_topic.Of(Rows(jobs, tree));

    static IEnumerable<Command> Rows(JobTable jobs, QomTree tree)
    {
        yield return Command("query-jobs", "List the jobs.", ListOf(JobInfo.Schema),
            _ => (IReadOnlyList<JobInfo>)[.. jobs.All.Select(Describe)]).OutOfBand().ForObservers()
            .With("memdev-prealloc", Fill, then: Concluded)
            .Example("", """
                [{"id": "fill0", "type": "memdev-prealloc", "status": "concluded", "current-progress": 2097152, "total-progress": 2097152}]
                """);

        yield return Command("query-memdev-jobs", "List what QEMU's query-jobs does not say of the jobs.", ListOf(MemdevJob.Schema),
            _ => (IReadOnlyList<MemdevJob>)[.. jobs.All.OfType<FillJob>().Select(Describe)]).Extension().OutOfBand().ForObservers()
            .With("memdev-prealloc", Fill, then: Concluded)
            .Example("", """[{"job-id": "fill0", "id": "ram0", "threads": 1, "since": "<since>", "bytes-per-second": "<rate>"}]""");

        yield return Verb("job-cancel", "Stop a job. It concludes soon, and the pages it filled are given back.", jobs.Cancel).OutOfBand()
            .With("object-add", Big)
            .With("memdev-prealloc", FillBig, then: Running)
            .Example("""{"id": "fill0"}""", then: Concluded)
            .Fails(QmpErrors.JobNotFound(), """{"id": "fill9"}""")
            .Fails(QmpErrors.JobVerb("fill0", "concluded", "cancel"), """{"id": "fill0"}""");

        yield return Verb("job-pause", "Pause a job.", jobs.Pause)
            .With("object-add", Big)
            .With("memdev-prealloc", FillBig, then: Running)
            .Example("""{"id": "fill0"}""", then: """{"event": "JOB_STATUS_CHANGE", "data": {"id": "fill0", "status": "paused"}}""")
            .Fails(QmpErrors.JobNotFound(), """{"id": "fill9"}""")
            .MayFail(QmpErrors.JobVerb("ID", "STATUS", "pause"));

        yield return Verb("job-resume", "Go on with a paused job.", jobs.Resume)
            .With("object-add", Big)
            .With("memdev-prealloc", FillBig, then: Running)
            .With("job-pause", """{"id": "fill0"}""")
            .Example("""{"id": "fill0"}""", then: Running)
            .Fails(QmpErrors.JobNotFound(), """{"id": "fill9"}""")
            .MayFail(QmpErrors.JobVerb("ID", "STATUS", "resume"));

        yield return Verb("job-complete", "Complete a job that waits for it. No job here does: always refused.", id =>
            jobs.Refuse(id, "complete"))
            .With("memdev-prealloc", Fill, then: Concluded)
            .Fails(QmpErrors.JobVerb("fill0", "concluded", "complete"), """{"id": "fill0"}""")
            .Fails(QmpErrors.JobNotFound(), """{"id": "fill9"}""");

        yield return Verb("job-finalize", "Finalize a job that waits for it. No job here does: always refused.", id =>
            jobs.Refuse(id, "finalize"))
            .With("memdev-prealloc", Fill, then: Concluded)
            .Fails(QmpErrors.JobVerb("fill0", "concluded", "finalize"), """{"id": "fill0"}""")
            .Fails(QmpErrors.JobNotFound(), """{"id": "fill9"}""");

        yield return Verb("job-dismiss", "Forget a concluded job.", jobs.Dismiss)
            .With("memdev-prealloc", Fill, then: Concluded)
            .Example("""{"id": "fill0"}""")
            .Fails(QmpErrors.JobNotFound(), """{"id": "fill9"}""")
            .MayFail(QmpErrors.JobVerb("ID", "STATUS", "dismiss"));

        yield return Command("memdev-prealloc",
            "Fill memory ahead of use, as a job. The reply comes at once; the job's error, if any, is in query-jobs.", None,
            Arg("id", Str, "The backend."), Arg("job-id", Str, "The id that the job gets."),
            Opt("threads", U32, 0u, "At most as many threads; the backend's prealloc-threads if absent."), (_, id, job, threads) =>
            {
                var backend = tree.Objects.FindChild(id) as HostMemoryBackend ?? throw QmpErrors.ObjectNotFound(id);
                backend.StartPrealloc(job, threads);
                return default(Nothing);
            }).Extension()
            .Example(Fill, then: Concluded)
            .Fails(QmpErrors.JobIdInUse("fill0"), """{"id": "ram0", "job-id": "fill0"}""")
            .Fails(QmpErrors.InvalidJobId("0"), """{"id": "ram0", "job-id": "0"}""")
            .Fails(QmpErrors.ObjectNotFound("ram9"), """{"id": "ram9", "job-id": "fill1"}""")
            .MayFail(QmpErrors.PreallocWithoutReserve(), QmpErrors.ReadonlyPrealloc(), QmpErrors.LimitReached(new("Fillings", 8)));
    }

    static Command Verb(string name, string doc, Action<string> act) => Command(name, doc, None, s_id, (_, id) =>
    {
        act(id);
        return default(Nothing);
    });

    static MemdevJob Describe(FillJob job) => new()
    {
        JobId = job.Id,
        Id = job.Memdev,
        Threads = job.Workers,
        Since = job.Since.ToUnixTimeSeconds(),
        BytesPerSecond = job.BytesPerSecond,
    };

    static JobInfo Describe(Job job) => new()
    {
        Id = job.Id,
        Type = job.Type,
        Status = job.Status,
        CurrentProgress = job.Current,
        TotalProgress = job.Total,
        Error = job.Error,
    };
}
