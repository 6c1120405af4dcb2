using HostMemd.Backend.Jobs;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Protocol;
using HostMemd.Qapi;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>QEMU's job commands, and the one command of ours that makes a job.</summary>
static class JobCommands
{
    static readonly Arg<string> s_id = Arg("id", Str, "The job.");

    public static IEnumerable<Command> All(JobTable jobs, QomTree tree)
    {
        yield return Command("query-jobs", "List the jobs.", ListOf(JobInfo.Schema),
            _ => (IReadOnlyList<JobInfo>)[.. jobs.All.Select(Describe)]).OutOfBand().ForObservers();
        yield return Verb("job-cancel", "Stop a job. It concludes soon.", jobs.Cancel).OutOfBand();
        yield return Verb("job-pause", "Pause a job.", jobs.Pause);
        yield return Verb("job-resume", "Go on with a paused job.", jobs.Resume);
        yield return Verb("job-complete", "Complete a job that waits to be told; ours never do.", id => jobs.Refuse(id, "complete"));
        yield return Verb("job-finalize", "Finalize a job that waits to be told; ours never do.", id => jobs.Refuse(id, "finalize"));
        yield return Verb("job-dismiss", "Forget a concluded job.", jobs.Dismiss);

        yield return Command("memdev-prealloc", "Fill memory ahead of use, as a job.", None,
            Arg("id", Str, "The backend."), Arg("job-id", Str, "The id of the job."),
            Opt("threads", U32, 0u, "At most as many threads; the backend's own number if absent."), (_, id, job, threads) =>
            {
                var backend = tree.Objects.FindChild(id) as HostMemoryBackend ?? throw QmpErrors.ObjectNotFound(id);
                backend.StartPrealloc(job, threads);
                return default(Nothing);
            }).Extension();
    }

    static Command Verb(string name, string doc, Action<string> act) => Command(name, doc, None, s_id, (_, id) =>
    {
        act(id);
        return default(Nothing);
    });

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
