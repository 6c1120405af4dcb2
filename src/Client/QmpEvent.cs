using HostMemd.Qapi;

namespace HostMemd.Client;

/// <summary>An event of the daemon.</summary>
/// <param name="Name">Such as <c>MEMDEV_UNMAPPED</c>.</param>
/// <param name="Timestamp">The time, by the daemon's clock.</param>
/// <param name="Data">The event's data; the daemon's manual describes the members.</param>
public sealed record QmpEvent(string Name, DateTimeOffset Timestamp, Members Data)
{
    /// <summary>A member's text; null if it is missing or no text.</summary>
    public string? Text(string member) => Data[member].TryString(out var text) ? text : null;

    /// <summary>A member's number; null if it is missing or no number.</summary>
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
