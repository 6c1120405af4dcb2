using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>An event that has happened. Made once, then sent to every client that is to have it.</summary>
public sealed class Notice
{
    /// <param name="what">The event's row.</param>
    /// <param name="data">The members of <c>data</c>.</param>
    /// <param name="now">When it happened; before 1970 QEMU's <c>-1</c> for a clock that cannot be read.</param>
    public Notice(Event what, Members data, DateTimeOffset now)
    {
        Event = what;
        Data = data;
        var micros = (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        Timestamp = Value.Object(
            ("seconds", Value.From(micros < 0 ? -1 : micros / 1_000_000)),
            ("microseconds", Value.From(micros < 0 ? -1 : micros % 1_000_000)));
        var message = new Members(3);
        message.Add("timestamp", Timestamp);
        message.Add("event", Value.From(what.Name));
        if (data.Count > 0)
            message.Add("data", Value.From(data));
        Message = Value.From(message);
    }

    public Event Event { get; }

    /// <summary>The members that the event's row declares.</summary>
    public Members Data { get; }

    /// <summary>When it happened: <c>seconds</c> and <c>microseconds</c> of the realtime clock.</summary>
    public Value Timestamp { get; }

    /// <summary>All of it as one object, as QAPI has it: <c>timestamp</c>, <c>event</c>, <c>data</c>.</summary>
    public Value Message { get; }
}
