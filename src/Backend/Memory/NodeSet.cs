using HostMemd.Qapi;

namespace HostMemd.Backend.Memory;

/// <summary>A set of NUMA nodes 0 to 127, as QEMU knows them. Immutable.</summary>
public readonly struct NodeSet : IEquatable<NodeSet>
{
    /// <summary>QEMU: MAX_NODES.</summary>
    public const int MaxNodes = 128;

    readonly UInt128 _bits;

    NodeSet(UInt128 bits) => _bits = bits;

    /// <exception cref="QmpException">A node is 128 or more.</exception>
    public static NodeSet Of(IReadOnlyList<ushort> nodes)
    {
        var bits = UInt128.Zero;
        foreach (var node in nodes)
        {
            if (node >= MaxNodes)
                throw QmpErrors.InvalidHostNode(node);
            bits |= UInt128.One << node;
        }
        return new(bits);
    }

    public bool IsEmpty => _bits == UInt128.Zero;

    public bool Contains(int node) => node is >= 0 and < MaxNodes && (_bits >> node & UInt128.One) != UInt128.Zero;

    /// <summary>The nodes, ascending.</summary>
    public IReadOnlyList<ushort> ToList()
    {
        var nodes = new List<ushort>();
        for (ushort node = 0; node < MaxNodes; node++)
        {
            if (Contains(node))
                nodes.Add(node);
        }
        return nodes;
    }

    /// <summary>For mbind(2): a word more than 128 nodes need, since the kernel ignores the last bit of the count.</summary>
    internal ulong[] Mask => [(ulong)_bits, (ulong)(_bits >> 64), 0];

    /// <summary>Highest node + 2; 0 for the empty set.</summary>
    internal ulong MaxNode => IsEmpty ? 0 : (ulong)UInt128.Log2(_bits) + 2;

    public bool Equals(NodeSet other) => _bits == other._bits;
    public override bool Equals(object? obj) => obj is NodeSet other && Equals(other);
    public override int GetHashCode() => _bits.GetHashCode();
    public static bool operator ==(NodeSet left, NodeSet right) => left.Equals(right);
    public static bool operator !=(NodeSet left, NodeSet right) => !left.Equals(right);
}
