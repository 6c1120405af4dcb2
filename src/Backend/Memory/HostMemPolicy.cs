using HostMemd.Backend.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Memory;

/// <summary>Where memory is to come from. The values are the kernel's MPOL_* (set_mempolicy(2)).</summary>
public enum HostMemPolicy { Default = 0, Preferred = 1, Bind = 2, Interleave = 3 }

/// <summary>A policy and the nodes it speaks of.</summary>
public readonly record struct NumaPolicy(HostMemPolicy Policy, NodeSet Nodes)
{
    public static QapiEnum<HostMemPolicy> Type { get; } = new("HostMemPolicy",
        ("default", HostMemPolicy.Default), ("preferred", HostMemPolicy.Preferred),
        ("bind", HostMemPolicy.Bind), ("interleave", HostMemPolicy.Interleave));

    /// <summary>Why the two do not go together, or null.</summary>
    public QmpException? Contradiction() => (Policy, Nodes.IsEmpty) switch
    {
        (HostMemPolicy.Default, false) => QmpErrors.NodesForDefault(),
        (not HostMemPolicy.Default, true) => QmpErrors.NodesMustBeSet(Type.NameOf(Policy)),
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
