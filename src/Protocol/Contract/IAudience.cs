using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>The clients of all front ends, as events see them.</summary>
public interface IAudience
{
    /// <summary>At least one client has asked for the events that QEMU does not have.</summary>
    bool IsWatched { get; }

    /// <summary>Sends an event to every client that is to have it. Does not wait for any. Any thread.</summary>
    /// <param name="what">The event's row.</param>
    /// <param name="data">Its data.</param>
    /// <param name="onlyWatchers">QEMU would not send it in this case: only to clients that asked for events QEMU does not have.</param>
    void Send(Event what, Members data, bool onlyWatchers = false);
}
