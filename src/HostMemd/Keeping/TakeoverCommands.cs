using HostMemd.Backend.Jobs;
using HostMemd.Backend.Threads;
using HostMemd.Protocol;
using HostMemd.Qapi;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging;
using static HostMemd.Protocol.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Keeping;

/// <summary>The running daemon's side of a takeover.</summary>
/// <param name="keeper">Knows what is to be handed over.</param>
/// <param name="changes">Closed meanwhile.</param>
/// <param name="jobs">A filling cannot be handed over half done.</param>
/// <param name="acceptors">The listening sockets; paused while they are handed over.</param>
/// <param name="state">The daemon's state.</param>
/// <param name="leave">Called when the other process serves: this one is to go, and to take nothing with it.</param>
/// <param name="logger">Says so.</param>
sealed class TakeoverCommands(
    Keeper keeper, ChangeGate changes, JobTable jobs, Acceptors acceptors, StateLock state, Action leave, ILogger logger)
{
    static readonly Topic s_topic = new("Takeover", "The running daemon's side of --takeover; for hostmemd itself.");

    // Changes of other clients wait for those under way; longer than this and it is they who matter.
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public IEnumerable<Command> All() => s_topic.Of(Rows());

    IEnumerable<Command> Rows()
    {
        yield return Slow("x-takeover", "Hand everything to the process at the other end of the socket that comes with this command, and leave.",
            None, OptNullable("pid", Int, "The process that takes over; for the log."), RunAsync).Extension().WithoutChanges()
            .Fails(QmpErrors.NoDescriptor(), "")
            .Fails(QmpErrors.TakeoverFailed(), "", withDescriptor: true)
            .MayFail(QmpErrors.TakeoverBusy("WHAT"), QmpErrors.TakeoverManaged());
    }

    async ValueTask<Nothing> RunAsync(Call call, long? pid)
    {
        using var descriptor = call.TakeDescriptor();
        // Were we to leave, the manager would start another one and drop what it keeps.
        if (keeper.IsEnabled)
            throw QmpErrors.TakeoverManaged();
        using var channel = new TakeoverChannel(Adopt(descriptor.Handle));
        if (!await changes.CloseAsync(s_patience).ConfigureAwait(false))
            throw QmpErrors.TakeoverBusy("a change");
        var done = false;
        try
        {
            // Clients that connect from here on wait in the sockets' queues for the process that serves them next: this one would have
            // to refuse their changes.
            await acceptors.PauseAsync().ConfigureAwait(false);
            var handed = Collect(out var journal);
            using (journal)
            {
                done = await OwnThread.RunAsync(() => HandOver(channel, handed)).ConfigureAwait(false);
            }
        }
        finally
        {
            changes.Open(forGood: done);
            if (!done)
                acceptors.Resume();
        }
        if (!done)
            throw QmpErrors.TakeoverFailed();
        Log.HandedOver(logger);
        call.Session.End();
        call.AfterReply = leave;
        return default;
    }

    static System.Net.Sockets.Socket Adopt(Microsoft.Win32.SafeHandles.SafeFileHandle descriptor)
    {
        try
        {
            return QmpSocket.Adopt(descriptor);
        }
        catch (System.Net.Sockets.SocketException)
        {
            // A pipe, a file: nobody can be talked to there.
            throw QmpErrors.TakeoverFailed();
        }
    }

    Handed Collect(out Journal journal)
    {
        using (state.Enter())
        {
            if (jobs.All.FirstOrDefault(j => j.Status < JobStatus.Concluded) is { } job)
                throw QmpErrors.TakeoverBusy($"job '{job.Id}'");
            var (lines, memory) = keeper.HandOver();
            var errno = Journal.Create(0, lines, out var made);
            if (errno.Failed)
                throw QmpErrors.TakeoverBusy($"the recording of the state ({errno.Text})");
            journal = made!;
            return new([new PassedDescriptor(Keeper.StateName(0), made!.File), .. memory], acceptors.Sockets);
        }
    }

    static bool HandOver(TakeoverChannel channel, Handed handed)
    {
        try
        {
            channel.Send(handed);
            return channel.WaitServed();
        }
        catch (Exception gone) when (gone is IOException or System.Net.Sockets.SocketException)
        {
            return false;
        }
    }
}
