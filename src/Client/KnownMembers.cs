using HostMemd.Qapi;

namespace HostMemd.Client;

/// <summary>
/// Removes the members of a reply that this client does not know, which a newer daemon may send. The types themselves are strict, because
/// the daemon reads requests with them.
/// </summary>
static class KnownMembers
{
    public static Value Of(Value value, TypeShape shape)
    {
        if (shape is ArrayShape array && value.TryList(out var items))
            return Value.From([.. items.Select(i => Of(i, array.Element.Shape))]);
        if (shape is not ObjectShape { Members: var known } || !value.TryObject(out var members))
            return value;
        var kept = new Members(known.Count);
        foreach (var member in known)
        {
            if (members.TryGet(member.Name, out var found))
                kept.Add(member.Name, Of(found, member.Type.Shape));
        }
        return Value.From(kept);
    }
}
