using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Regions;

/// <summary>A policy and the nodes it speaks of.</summary>
public readonly record struct NumaPolicy(HostMemPolicy Policy, NodeSet Nodes)
{
    /// <summary>Why the two do not go together, or null.</summary>
    public QmpException? Contradiction() => (Policy, Nodes.IsEmpty) switch
    {
        (HostMemPolicy.Default, false) => QmpErrors.NodesForDefault(),
        (not HostMemPolicy.Default, true) => QmpErrors.NodesMustBeSet(Memdev.PolicyType.NameOf(Policy)),
        _ => null,
    };

    /// <summary>Binds the memory; pages that are already there are moved.</summary>
    public Errno Apply(MappedMemory memory)
    {
        // The kernel's preferred knows one node; since 5.15 there is one for several.
        var mode = Policy == HostMemPolicy.Preferred && NumaCalls.HasPreferredMany ? NumaCalls.MPOL_PREFERRED_MANY : (int)Policy;
        return memory.Bind(mode, Nodes.Mask, Nodes.MaxNode, NumaCalls.MPOL_MF_STRICT | NumaCalls.MPOL_MF_MOVE);
    }
}
