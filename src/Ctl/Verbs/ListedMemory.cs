using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>
/// One element of what <c>query-memdev-stats</c> returns, read member by member when it is shown: of 10,000 elements most members are not.
/// </summary>
/// <param name="members">As they came.</param>
/// <param name="id">The object.</param>
/// <param name="holders">The processes that use it, where they were asked for.</param>
sealed class ListedMemory(Members members, string id, IReadOnlyList<MemdevMapping> holders)
{
    public string Id => id;

    public string Kind => Verbs.Kind.ShortOf(Text(members, "kind"));

    public ulong Size => Number("size");

    public ulong Resident => Number("resident");

    public ulong PageSize => Number("page-size");

    public ulong Swapped => Number("swapped");

    public ulong Huge => Number("huge");

    public ulong Held => Number("mappings");

    public IReadOnlyList<MemdevMapping> Holders => holders;

    /// <summary>The kernel's policy, as <c>bind:0</c>.</summary>
    public string Policy => members["policy"].TryObject(out var policy) ? Text(policy, "effective") : "";

    /// <summary>It has pages on that node, or its policy names the node.</summary>
    public bool IsOn(uint node)
    {
        if (members["nodes"].TryList(out var nodes)
            && nodes.Any(n => n.TryObject(out var one) && one["node"].TryBits(out var number) && number == node))
            return true;
        return members["policy"].TryObject(out var policy) && policy["host-nodes"].TryList(out var bound)
            && bound.Any(n => n.TryBits(out var number) && number == node);
    }

    /// <summary>Adds the members that it has not itself.</summary>
    public void Join(Members others)
    {
        foreach (var (name, value) in others)
            members.TryAdd(name, value);
    }

    public Value ToValue() => Value.From(members);

    ulong Number(string name) => members[name].TryBits(out var number) ? number : 0;

    static string Text(Members members, string name) => members[name].TryString(out var text) ? text : "";
}
