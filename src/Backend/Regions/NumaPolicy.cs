using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Regions;

/// <summary>A policy and its nodes.</summary>
public readonly record struct NumaPolicy(HostMemPolicy Policy, NodeSet Nodes)
{
    /// <summary>The error if the policy and the nodes contradict each other, else null.</summary>
    public QmpException? Contradiction() => (Policy, Nodes.IsEmpty) switch
    {
        (HostMemPolicy.Default, false) => QmpErrors.NodesForDefault(),
        (not HostMemPolicy.Default, true) => QmpErrors.NodesMustBeSet(Memdev.PolicyType.NameOf(Policy)),
        _ => null,
    };

    /// <summary>Binds the memory; the kernel moves pages that are already there.</summary>
    public Errno Apply(MappedMemory memory)
    {
        // MPOL_PREFERRED takes one node; since Linux 5.15 there is a policy for several.
        var mode = Policy == HostMemPolicy.Preferred && NumaCalls.HasPreferredMany ? NumaCalls.MPOL_PREFERRED_MANY : (int)Policy;
        return memory.Bind(mode, Nodes.Mask, Nodes.MaxNode, NumaCalls.MPOL_MF_STRICT | NumaCalls.MPOL_MF_MOVE);
    }
}
