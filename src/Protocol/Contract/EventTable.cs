namespace HostMemd.Protocol.Contract;

/// <summary>
/// All events in the order of their declaration. A row enters itself, so that the schema and the manual have every event that can be sent.
/// </summary>
public sealed class EventTable
{
    readonly List<Event> _all = [];

    public IReadOnlyList<Event> All => _all;

    internal void Add(Event row) => _all.Add(row);
}
