using HostMemd.Backend.Jobs;
using HostMemd.Backend.Threads;
using HostMemd.Dispatch;
using HostMemd.Persistence;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using HostMemd.Sockets;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Takeover;

/// <summary>The running daemon's side of a takeover.</summary>
/// <param name="keeper">A daemon with a descriptor store is not taken over: the service manager would drop what it keeps.</param>
/// <param name="handOver">Collects the state.</param>
/// <param name="changes">Closed while the state is handed over.</param>
/// <param name="jobs">A filling cannot be handed over half done.</param>
/// <param name="acceptors">The listening sockets; paused while they are handed over.</param>
/// <param name="state">The daemon's state.</param>
/// <param name="leave">Called when the other process serves. This process ends then, and releases nothing that the other has.</param>
/// <param name="logger">Receives the success.</param>
sealed class TakeoverCommands(
    StateKeeper keeper, HandOver handOver, ChangeGate changes, JobTable jobs, Acceptors acceptors, StateLock state, Action leave,
    ILogger logger)
{
    static readonly Topic s_topic = new("Takeover", "The running daemon's side of --takeover; for hostmemd itself.");

    // Changes of other clients wait for those under way. After this time the takeover is refused and they go on.
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(2);

    public IEnumerable<Command> All() => s_topic.Of(Rows());

    IEnumerable<Command> Rows()
    {
        yield return Slow("x-takeover",
            "Hand everything to the process at the other end of the socket that comes with this command, and leave.",
            None, OptNullable("pid", Int, "The process that takes over; for the log."), RunAsync).Extension().WithoutChanges()
            .Fails(QmpErrors.NoDescriptor(), "")
            .Fails(QmpErrors.TakeoverFailed(), "", withDescriptor: true)
            .MayFail(QmpErrors.TakeoverBusy("WHAT"), QmpErrors.TakeoverManaged());
    }

    async ValueTask<Nothing> RunAsync(Call call, long? pid)
    {
        using var descriptor = call.TakeDescriptor();
        // If this process ended, the manager would start another one and drop what it keeps.
        if (keeper.IsEnabled)
            throw QmpErrors.TakeoverManaged();
        using var channel = new TakeoverChannel(Adopt(descriptor.Handle));
        if (!await changes.CloseAsync(s_patience).ConfigureAwait(false))
            throw QmpErrors.TakeoverBusy("a change");
        var done = false;
        try
        {
            // Clients that connect from here on wait in the sockets' queues for the next process. This one would refuse their changes.
            await acceptors.PauseAsync().ConfigureAwait(false);
            var handed = Collect(out var journal);
            using (journal)
            {
                done = await OwnThread.RunAsync(() => Hand(channel, handed)).ConfigureAwait(false);
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
        call.Client.End();
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
            // It is a pipe or a file, at which no process answers.
            throw QmpErrors.TakeoverFailed();
        }
    }

    Handed Collect(out Journal journal)
    {
        using (state.Enter())
        {
            if (jobs.All.FirstOrDefault(j => j.Status < JobStatus.Concluded) is { } job)
                throw QmpErrors.TakeoverBusy($"job '{job.Id}'");
            var (lines, descriptors) = handOver.Collect();
            var errno = Journal.Create(0, lines, out var made);
            if (errno.Failed)
                throw QmpErrors.TakeoverBusy($"the recording of the state ({errno.Text})");
            journal = made!;
            return new([new PassedDescriptor(DescriptorNames.Journal(0), made!.File), .. descriptors], acceptors.Sockets);
        }
    }

    static bool Hand(TakeoverChannel channel, Handed handed)
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
