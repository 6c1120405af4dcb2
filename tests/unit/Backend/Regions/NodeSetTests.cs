using HostMemd.Backend.Regions;
using HostMemd.Qapi;

namespace HostMemd.Unit.Backend;

public class NodeSetTests
{
    [Fact]
    public void Nodes_AreReadBackAscendingWithoutDuplicates() => Assert.Equal<ushort>([0, 5, 127], NodeSet.Of([127, 0, 5, 0]).ToList());

    // backends.md § 7: the mbind calls that QEMU makes.
    [Theory]
    [InlineData(new ushort[0], 0ul, 0ul, 0ul)]
    [InlineData(new ushort[] { 0 }, 0x1ul, 0ul, 2ul)]
    [InlineData(new ushort[] { 5 }, 0x20ul, 0ul, 7ul)]
    [InlineData(new ushort[] { 0, 63 }, 0x8000000000000001ul, 0ul, 65ul)]
    [InlineData(new ushort[] { 0, 127 }, 0x1ul, 0x8000000000000000ul, 129ul)]
    public void MaskAndCount_AreQemus(ushort[] nodes, ulong low, ulong high, ulong maxNode)
    {
        var set = NodeSet.Of(nodes);

        Assert.Equal([low, high, 0], set.Mask);
        Assert.Equal(maxNode, set.MaxNode);
    }

    [Fact]
    public void NodeBeyond127_IsRefused() =>
        Assert.Equal("Invalid host-nodes value: 128", Assert.Throws<QmpException>(() => NodeSet.Of([0, 128])).Message);

    // M01: the values are the kernel's MPOL_*.
    [Fact]
    public void Policies_AreTheKernelsNumbers() => Assert.Equal([0, 1, 2, 3], new[]
    {
        HostMemPolicy.Default, HostMemPolicy.Preferred, HostMemPolicy.Bind, HostMemPolicy.Interleave,
    }.Select(p => (int)p));

    [Theory]
    [InlineData(4096ul, "4 KiB")]
    [InlineData(2ul << 20, "2 MiB")]
    [InlineData(1ul << 30, "1 GiB")]
    public void Bytes_AreWrittenAsQemuDoes(ulong bytes, string text) => Assert.Equal(text, ByteText.Of(bytes));
}
