using System.Text;
using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;
using static HostMemd.Linux.NumaCalls;
using static HostMemd.Unit.Linux.Make;

namespace HostMemd.Unit.Linux;

public class NumaCallsTests
{
    static readonly ulong s_page = Host.PageSize;

    static string PolicyWord(MappedMemory memory) => Procfs.NumaMaps().Last(m => m.Address <= memory.Address).Policy;

    [TheoryIf(Need.Numa)]
    [InlineData(MPOL_BIND, 0ul, 2ul, "EINVAL")] // an empty mask
    [InlineData(MPOL_BIND, 0ul, 0ul, "EINVAL")]
    [InlineData(MPOL_BIND, 1ul << 63, 65ul, "EINVAL")] // only an absent node
    [InlineData(MPOL_BIND, 1ul | (1ul << 63), 65ul, "")] // the absent one is dropped silently
    [InlineData(MPOL_BIND, 1ul, 1ul, "EINVAL")] // the last bit is ignored
    [InlineData(MPOL_BIND, 1ul, 2ul, "")]
    [InlineData(MPOL_DEFAULT, 1ul, 2ul, "EINVAL")]
    [InlineData(MPOL_DEFAULT, 0ul, 0ul, "")]
    [InlineData(MPOL_PREFERRED, 0ul, 0ul, "")]
    [InlineData(MPOL_INTERLEAVE, 1ul, 2ul, "")]
    [InlineData(99, 1ul, 2ul, "EINVAL")]
    [InlineData(MPOL_BIND, 1ul, 129ul, "EINVAL")] // our own check: the mask is one word
    public void Bind_AnswersAsTheKernelDoes(int mode, ulong mask, ulong maxnode, string expected)
    {
        using var memory = Anonymous(MiB);

        Assert.Equal(expected, memory.Bind(mode, [mask], maxnode, MPOL_MF_STRICT | MPOL_MF_MOVE).Name);
    }

    [FactIf(Need.Numa)]
    public void Bind_OfAnUnalignedPart_IsRefused()
    {
        using var memory = Anonymous(MiB);

        Assert.Equal(Errno.EINVAL, memory.Bind(1, s_page, MPOL_BIND, [1], 2, 0));
    }

    [FactIf(Need.Numa)]
    public void Bind_IsSeenInNumaMaps_AndByGetMempolicy()
    {
        using var fd = Memfd(MiB);
        using var memory = Shared(fd, MiB);
        var mask = new ulong[16];

        Assert.Equal(Errno.None, memory.Bind(MPOL_BIND, [1], 2, 0));

        Assert.Equal(Errno.None, memory.PolicyAt(s_page, out var mode, mask));
        Assert.Equal("bind:0", PolicyWord(memory));
        Assert.Equal((MPOL_BIND, 1ul), (mode, mask[0]));
    }

    [FactIf(Need.Numa)]
    public void Bind_ToPreferredMany_WorksWhereTheProbeSaysSo()
    {
        using var fd = Memfd(MiB);
        using var memory = Shared(fd, MiB);

        Assert.Equal(HasPreferredMany, memory.Bind(MPOL_PREFERRED_MANY, [1], 2, 0).Ok);
        Assert.Equal(HasPreferredMany ? "prefer (many):0" : "default", PolicyWord(memory));
    }

    [FactIf(Need.Numa)]
    public void NodesOf_KnowsTouchedPagesOnly()
    {
        using var memory = Anonymous(4 * MiB);
        Assert.Equal(Errno.None, memory.Advise(0, 4 * MiB, Mman.MADV_NOHUGEPAGE));
        Assert.Equal(Errno.None, memory.Bind(MPOL_BIND, [1], 2, 0));
        Assert.Equal(Errno.None, memory.Touch(0, 3 * MiB, s_page, write: true));
        var nodes = new int[4 * MiB / s_page];

        Assert.Equal(Errno.None, memory.NodesOf(0, 4 * MiB, s_page, nodes));

        Assert.Equal(3 * MiB / s_page, (ulong)nodes.Count(n => n == 0));
        Assert.Equal(MiB / s_page, (ulong)nodes.Count(n => n is -2 or -14)); // ENOENT [6.18], EFAULT [6.1]
    }

    [FactIf(Need.Numa)]
    public void NodesOf_WithTooLittleRoom_IsRefused()
    {
        using var memory = Anonymous(MiB);

        Assert.Equal(Errno.EINVAL, memory.NodesOf(0, MiB, s_page, new int[3]));
    }

    [FactIf(Need.Numa)]
    public void AllowedNodes_AreThoseOfStatus()
    {
        Assert.Equal(Errno.None, AllowedNodes(out var nodes));

        var list = Encoding.ASCII.GetBytes(Procfs.Status("Mems_allowed_list")!);
        Assert.Equal(BitList.Parse(list).Intersect(Sysfs.MemoryNodes()), nodes);
    }

    [FactIf(Need.Numa)]
    public void SetPolicy_HoldsForThisThreadOnly()
    {
        var mine = -1;
        Thread thread = new(() =>
        {
            var set = SetPolicy(MPOL_PREFERRED, [1], 2);
            mine = set.Ok && GetPolicy(out var mode, new ulong[16], 0).Ok ? mode : -set.Number;
        });
        thread.Start();
        thread.Join();

        Assert.Equal(Errno.None, GetPolicy(out var here, new ulong[16], 0));
        Assert.Equal((MPOL_PREFERRED, MPOL_DEFAULT), (mine, here));
    }

    [FactIf(Need.Numa, Need.TwoNodes)]
    public void Bind_WithMove_MovesWhatIsThere()
    {
        using var fd = Memfd(MiB);
        using var memory = Shared(fd, MiB);
        var nodes = new int[MiB / s_page];
        Assert.Equal(Errno.None, memory.Bind(MPOL_BIND, [1], 2, 0));
        Assert.Equal(Errno.None, memory.Touch(0, MiB, s_page, write: true));

        Assert.Equal(Errno.None, memory.Bind(MPOL_BIND, [2], 3, MPOL_MF_STRICT | MPOL_MF_MOVE));

        Assert.Equal(Errno.None, memory.NodesOf(0, MiB, s_page, nodes));
        Assert.All(nodes, n => Assert.Equal(1, n));
    }
}
