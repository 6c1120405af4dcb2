using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>
/// A declared event: a row of the <see cref="EventTable"/> that it is made with. QEMU's events go to every client; ours only to clients
/// that asked with <c>memdev-watch</c>, since some clients decode events into a closed list.
/// </summary>
public abstract class Event
{
    private protected Event(EventTable table, string name, string doc, bool isExtension, IReadOnlyList<Member> data)
    {
        (Name, Doc, IsExtension, Data) = (name, doc, isExtension, data);
        table.Add(this);
    }

    public string Name { get; }
    public string Doc { get; }

    /// <summary>Beyond QEMU: only for clients that asked.</summary>
    public bool IsExtension { get; }

    public IReadOnlyList<Member> Data { get; }
}
