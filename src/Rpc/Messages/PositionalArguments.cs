using HostMemd.Qapi;

namespace HostMemd.Rpc.Messages;

/// <summary>Arguments by position: those of the command's declaration, in its order; where a tag chooses more, these follow.</summary>
static class PositionalArguments
{
    /// <summary>The same by name. A null stands for an optional argument that is left out.</summary>
    /// <exception cref="QmpException">There are more than the command has.</exception>
    public static Members Name(string command, TypeShape declared, IReadOnlyList<Value> given)
    {
        if (given.Count == 0)
            return Members.None;
        var shape = (ObjectShape)declared;
        var named = new Members(given.Count);
        var members = shape.Members;
        for (var at = 0; at < given.Count; at++)
        {
            if (at == shape.Members.Count)
                members = [.. members, .. VariantOf(shape, named)];
            if (at >= members.Count)
                throw RpcErrors.TooManyParams(command, members.Count);
            if (given[at].Kind != ValueKind.Null)
                named.Add(members[at].Name, given[at]);
        }
        return named;
    }

    static IReadOnlyList<Member> VariantOf(ObjectShape shape, Members named)
    {
        if (shape.Tag is not { } tag || !named[tag].TryString(out var chosen))
            return [];
        var variant = shape.Variants?.FirstOrDefault(v => v.Case == chosen);
        return variant?.Type.Shape is ObjectShape { Members: var members } ? members : [];
    }
}
