using HostMemd.Qapi;

namespace HostMemd.Client;

/// <summary>
/// Leaves out of a reply what this client does not know: a newer daemon may say more. The types themselves are strict, since the
/// daemon reads its requests with them.
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
