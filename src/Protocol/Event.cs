using HostMemd.Qapi;

namespace HostMemd.Protocol;

/// <summary>
/// A declared event. QEMU's go to every client that has negotiated; ours only to clients that asked with <c>memdev-watch</c>,
/// since some clients decode events into a closed list.
/// </summary>
public sealed record Event(string Name, string Doc, IReadOnlyList<Member> Data, bool IsExtension)
{
    /// <summary>The whole message, stamped with the realtime clock.</summary>
    /// <param name="data">The members of <c>data</c>, or null for an event that has none.</param>
    /// <param name="now">When it happened; before 1970 QEMU's <c>-1</c> for a clock that cannot be read.</param>
    public Value Message(Members? data, DateTimeOffset now)
    {
        var micros = (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        var stamp = Value.Object(
            ("seconds", Value.From(micros < 0 ? -1 : micros / 1_000_000)),
            ("microseconds", Value.From(micros < 0 ? -1 : micros % 1_000_000)));
        var message = new Members(3);
        message.Add("timestamp", stamp);
        message.Add("event", Value.From(Name));
        if (data is not null)
            message.Add("data", Value.From(data));
        return Value.From(message);
    }
}
