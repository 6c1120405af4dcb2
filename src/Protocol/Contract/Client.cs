using HostMemd.Protocol.Wire;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Contract;

/// <summary>A connected client as commands, limits and events see it, whatever protocol it speaks. Each front end has a subclass.</summary>
public abstract class Client(PeerCredentials peer)
{
    long _unfinished;

    public PeerCredentials Peer { get; } = peer;

    /// <summary>Decides which commands the client may run. Set once, when the client is admitted.</summary>
    public Role Role { get; init; } = Role.Admin;

    /// <summary>When the client was admitted, in milliseconds of a clock that only goes forward.</summary>
    public long Since { get; } = Environment.TickCount64;

    /// <summary>The log has a line about this client's lacking role; one is enough.</summary>
    public bool WasRefused { get; set; }

    /// <summary>The descriptors that the client has named with <c>getfd</c>.</summary>
    public NamedDescriptors Named { get; } = new();

    /// <summary>The client has asked for the events that QEMU does not have.</summary>
    public bool Watches { get; set; }

    /// <summary>Set by <c>quit</c>: what the client sent behind it is not answered.</summary>
    public bool IsEnding { get; private set; }

    /// <summary>The client has left: what it has queued is not worth doing.</summary>
    public bool IsGone { get; set; }

    /// <summary>The client has begun its conversation. When too many clients have not, the oldest of them is closed.</summary>
    public abstract bool HasBegun { get; }

    /// <summary>Bytes of the request that has begun to come in and has not ended.</summary>
    public long UnfinishedBytes => IsGone ? 0 : Volatile.Read(ref _unfinished);

    /// <summary>Requests read and not yet answered, for the limit on them.</summary>
    public abstract int Queued { get; }

    /// <summary>Requests under way at once, of a client that is not answered in order.</summary>
    public virtual int InFlight => 0;

    /// <summary>Bytes of output that the client has not read yet.</summary>
    public abstract long PendingOutput { get; }

    /// <summary>Ends the conversation when the current reply is out.</summary>
    public void End() => IsEnding = true;

    /// <summary>Ends the connection now, without regard to what is under way. Any thread.</summary>
    public void Abort()
    {
        IsGone = true;
        Disconnect();
    }

    /// <summary>Shuts the socket down, so that reads and writes return. Called on any thread, also after the socket was closed.</summary>
    protected abstract void Disconnect();

    /// <summary>Sends an event. Any thread; does not wait for the client.</summary>
    public abstract void Notify(Notice notice);

    /// <summary>The next descriptor that came with the request of that batch, or null.</summary>
    /// <param name="batch">As the front end numbered it in <see cref="Call.Begin"/>.</param>
    public abstract SafeFileHandle? TakeDescriptor(long batch);

    /// <summary>Returns by how many bytes the unfinished request has grown; negative if it has shrunk. One thread at a time.</summary>
    internal long SetUnfinished(long bytes)
    {
        var change = bytes - _unfinished;
        if (change != 0)
            Volatile.Write(ref _unfinished, bytes);
        return change;
    }
}
