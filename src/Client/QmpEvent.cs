using HostMemd.Qapi;

namespace HostMemd.Client;

/// <summary>Something that happened at the daemon.</summary>
/// <param name="Name">Such as <c>MEMDEV_UNMAPPED</c>.</param>
/// <param name="Timestamp">When, by the daemon's clock.</param>
/// <param name="Data">What the event has to say; its members are in the manual of the daemon.</param>
public sealed record QmpEvent(string Name, DateTimeOffset Timestamp, Members Data)
{
    /// <summary>A member that is text, or null.</summary>
    public string? Text(string member) => Data[member].TryString(out var text) ? text : null;

    /// <summary>A member that is a number, or null.</summary>
    public long? Number(string member) => Data[member].TryInt(out var number) ? number : null;

    internal static QmpEvent From(string name, Members message)
    {
        message["timestamp"].TryObject(out var stamp);
        var at = DateTimeOffset.UnixEpoch;
        if (stamp is not null && stamp["seconds"].TryInt(out var seconds) && stamp["microseconds"].TryInt(out var micros))
            at = at.AddTicks(seconds * TimeSpan.TicksPerSecond + micros * TimeSpan.TicksPerMicrosecond);
        return new(name, at, message["data"].TryObject(out var data) ? data : Members.None);
    }
}
