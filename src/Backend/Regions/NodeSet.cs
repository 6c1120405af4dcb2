using HostMemd.Qapi;

namespace HostMemd.Backend.Regions;

/// <summary>A set of NUMA nodes 0 to 127, QEMU's range. Immutable.</summary>
public readonly struct NodeSet : IEquatable<NodeSet>
{
    /// <summary>QEMU: MAX_NODES.</summary>
    public const int MaxNodes = 128;

    // Not one UInt128: ReadyToRun compiles no code ahead that has one in a field or parameter, as every property of every backend would.
    readonly ulong _low, _high;

    NodeSet(ulong low, ulong high) => (_low, _high) = (low, high);

    /// <exception cref="QmpException">A node is 128 or more.</exception>
    public static NodeSet Of(IReadOnlyList<ushort> nodes)
    {
        ulong low = 0, high = 0;
        foreach (var node in nodes)
        {
            if (node >= MaxNodes)
                throw QmpErrors.InvalidHostNode(node);
            if (node < 64)
                low |= 1UL << node;
            else
                high |= 1UL << (node - 64);
        }
        return new(low, high);
    }

    public bool IsEmpty => (_low | _high) == 0;

    public bool Contains(int node) => node is >= 0 and < MaxNodes && ((node < 64 ? _low : _high) >> (node % 64) & 1) != 0;

    /// <summary>The nodes, ascending.</summary>
    public IReadOnlyList<ushort> ToList()
    {
        if (IsEmpty)
            return [];
        var nodes = new List<ushort>();
        for (ushort node = 0; node < MaxNodes; node++)
        {
            if (Contains(node))
                nodes.Add(node);
        }
        return nodes;
    }

    /// <summary>For mbind(2): a word more than 128 nodes need, since the kernel ignores the last bit of the count.</summary>
    internal ulong[] Mask => [_low, _high, 0];

    /// <summary>Highest node + 2; 0 for the empty set.</summary>
    internal ulong MaxNode => IsEmpty ? 0 : ToList()[^1] + 2ul;

    public bool Equals(NodeSet other) => (_low, _high) == (other._low, other._high);
    public override bool Equals(object? obj) => obj is NodeSet other && Equals(other);
    public override int GetHashCode() => HashCode.Combine(_low, _high);
    public static bool operator ==(NodeSet left, NodeSet right) => left.Equals(right);
    public static bool operator !=(NodeSet left, NodeSet right) => !left.Equals(right);
}
