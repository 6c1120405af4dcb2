using HostMemd.Backend.Memory;
using HostMemd.Backend.Regions;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;

namespace HostMemd.Dispatch;

/// <summary>
/// The one way from a request to its result. Short commands hold the daemon's state, one at a time. Slow ones hold it only for their
/// short parts, so no client waits for memory that another client moves. See docs/decisions/0002.
/// </summary>
sealed class Dispatcher(CommandTable commands, StateLock state, ChangeGate changes, ILogger logger, ILogger audit)
{
    /// <exception cref="QmpException">The error for the client. Nothing else is thrown.</exception>
    public ValueTask<Value> RunAsync(Call call)
    {
        var command = Find(call);
        call.Waiter.ThrowIfCancelled();
        return IsAudited(command) ? Audited(call, command) : Execute(call, command);
    }

    // A command that needs an admin changes something, if only which process has the memory.
    bool IsAudited(Command command) => command.MinimumRole > Role.Observer && audit.IsEnabled(LogLevel.Information);

    ValueTask<Value> Execute(Call call, Command command) => command.Changes ? Change(call, command) : Run(call, command);

    async ValueTask<Value> Audited(Call call, Command command)
    {
        var peer = call.Client.Peer;
        try
        {
            var result = await Execute(call, command).ConfigureAwait(false);
            Log.Audit(audit, peer.Uid, peer.Pid, command.Name, AuditTarget.Of(call.Arguments), "done");
            return result;
        }
        catch (QmpException refusal)
        {
            Log.Audit(audit, peer.Uid, peer.Pid, command.Name, AuditTarget.Of(call.Arguments), AuditTarget.Bounded(refusal.Message));
            throw;
        }
    }

    ValueTask<Value> Change(Call call, Command command)
    {
        var entered = changes.EnterAsync(call.Waiter);
        if (!entered.IsCompletedSuccessfully)
            return ChangeLater(call, command, entered);
        var leaves = false;
        try
        {
            var work = Run(call, command);
            leaves = !work.IsCompleted;
            return leaves ? LeaveAfter(work) : work;
        }
        finally
        {
            if (!leaves)
                changes.Leave();
        }
    }

    async ValueTask<Value> ChangeLater(Call call, Command command, ValueTask entered)
    {
        await entered.ConfigureAwait(false);
        return await LeaveAfter(Run(call, command)).ConfigureAwait(false);
    }

    async ValueTask<Value> LeaveAfter(ValueTask<Value> work)
    {
        try
        {
            return await work.ConfigureAwait(false);
        }
        finally
        {
            changes.Leave();
        }
    }

    ValueTask<Value> Run(Call call, Command command, bool again = false)
    {
        try
        {
            var work = command.Invoke(call, call.Arguments, state);
            return work.IsCompletedSuccessfully ? work : Guard(call, command, work, again);
        }
        catch (Exception bug) when (bug is not QmpException)
        {
            return CanGoAgain(command, bug, again) ? Run(call, command, again: true) : throw Broken(command.Name, bug);
        }
    }

    async ValueTask<Value> Guard(Call call, Command command, ValueTask<Value> work, bool again)
    {
        try
        {
            return await work.ConfigureAwait(false);
        }
        catch (Exception bug) when (bug is not QmpException)
        {
            if (!CanGoAgain(command, bug, again))
                throw Broken(command.Name, bug);
        }
        return await Run(call, command, again: true).ConfigureAwait(false);
    }

    // The exception is inside another one when a task got no thread.
    static bool IsShortage(Exception bug) => bug.GetBaseException() is OutOfMemoryException;

    // The GC does not know of a small limit and may collect too late. A query runs a second time after a collection.
    static bool CanGoAgain(Command command, Exception bug, bool again)
    {
        if (again || !IsShortage(bug) || command.MinimumRole > Role.Observer)
            return false;
        Headroom.Settle();
        GC.Collect();
        return true;
    }

    // Too little memory for the daemon itself, or for a thread's stack, is no bug when a limit explains it.
    QmpException Broken(string command, Exception bug)
    {
        Log.CommandBroke(logger, command, bug);
        return (IsShortage(bug) ? Headroom.Shortage() : null) ?? QmpErrors.Internal();
    }

    Command Find(Call call)
    {
        var client = call.Client;
        var command = commands.Find(call.Command);
        if (call.IsOutOfBand && !command.AllowsOutOfBand)
            throw QmpErrors.NoOutOfBand(command.Name);
        if (command.MinimumRole > client.Role)
        {
            if (!client.WasRefused)
                Log.RoleRefused(audit, client.Peer.Uid, client.Peer.Pid, command.Name);
            client.WasRefused = true;
            throw QmpErrors.NeedsRole(command.Name, "admin");
        }
        return command;
    }
}
