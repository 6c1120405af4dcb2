using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Contract;

/// <summary>One command under way: its client, its arguments, the descriptors that came with it, the one that goes back.</summary>
public sealed class Call(Client client)
{
    long _descriptorBatch;

    public Client Client { get; } = client;

    /// <summary>The command's name.</summary>
    public string Command { get; private set; } = "";

    /// <summary>The arguments by name, as the client sent them.</summary>
    public Members Arguments { get; private set; } = Members.None;

    /// <summary>The client asked that the command overtake its queue.</summary>
    public bool IsOutOfBand { get; private set; }

    /// <summary>
    /// Cancellation ends a filling and undoes it, and it ends a wait for other commands; a change that has begun is finished and answered.
    /// </summary>
    public Waiter Waiter { get; private set; }

    /// <summary>Sent with the first byte of the reply, and closed once it is on its way or the reply was an error.</summary>
    public SafeFileHandle? ReplyDescriptor { get; set; }

    /// <summary>Done right after the reply was handed to the socket: what must not come before it.</summary>
    public Action? AfterReply { get; set; }

    /// <summary>Describes the next command. A front end may use one call for many commands, if none of them is still under way.</summary>
    /// <param name="command">The command's name.</param>
    /// <param name="arguments">The arguments by name.</param>
    /// <param name="descriptorBatch">Passed to <see cref="Client.TakeDescriptor"/>.</param>
    /// <param name="outOfBand">Overtakes the client's queue.</param>
    /// <param name="waiter">Cancellation and progress, where the protocol has them.</param>
    public void Begin(string command, Members arguments, long descriptorBatch, bool outOfBand = false, Waiter waiter = default)
    {
        Command = command;
        Arguments = arguments;
        IsOutOfBand = outOfBand;
        Waiter = waiter;
        _descriptorBatch = descriptorBatch;
        ReplyDescriptor = null;
        AfterReply = null;
    }

    /// <summary>The next descriptor that came with this command.</summary>
    /// <exception cref="QmpException">None came, or all were taken.</exception>
    public TakenDescriptor TakeDescriptor() => new(Client.TakeDescriptor(_descriptorBatch) ?? throw QmpErrors.NoDescriptor());
}
