using HostMemd.Protocol;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging;

namespace HostMemd;

/// <summary>
/// The one way from a request to its result. Short commands hold the daemon's state, one at a time; slow ones hold it only for their
/// short parts, so nobody waits for memory that somebody else moves. See docs/decisions/0002.
/// </summary>
sealed class Dispatcher(CommandTable commands, Lock state, ILogger logger)
{
    /// <exception cref="QmpException">What the client is to be told; never anything else.</exception>
    public ValueTask<Value> RunAsync(Call call)
    {
        try
        {
            var work = Find(call).Invoke(call, call.Request.Arguments, state);
            return work.IsCompletedSuccessfully ? work : Guard(call, work);
        }
        catch (Exception bug) when (bug is not QmpException)
        {
            Log.CommandBroke(logger, call.Request.Command, bug);
            throw QmpErrors.Internal();
        }
    }

    async ValueTask<Value> Guard(Call call, ValueTask<Value> work)
    {
        try
        {
            return await work.ConfigureAwait(false);
        }
        catch (Exception bug) when (bug is not QmpException)
        {
            Log.CommandBroke(logger, call.Request.Command, bug);
            throw QmpErrors.Internal();
        }
    }

    Command Find(Call call)
    {
        var session = call.Session;
        if (!session.IsNegotiated && call.Request.Command != "qmp_capabilities")
            throw QmpErrors.ExpectingNegotiation();
        var command = commands.Find(call.Request.Command);
        if (call.Request.OutOfBand && !command.AllowsOutOfBand)
            throw QmpErrors.NoOutOfBand(command.Name);
        return command;
    }
}
