using System.Runtime.InteropServices;
using HostMemd.Linux;

namespace HostMemd.Unit.Linux;

/// <summary>What a machine may lack. A test that needs one is skipped, and the summary names it.</summary>
public enum Need
{
    Root,
    Compiler,
    Numa,
    TwoNodes,
    Leases,
    HugePages,
    PopulateWrite,
    Ksm,
    PageScan,
    Swap,
    NoSwap,
}

public sealed class FactIfAttribute : FactAttribute
{
    public FactIfAttribute(params Need[] needs) => Skip = Requires.Missing(needs);
}

public sealed class TheoryIfAttribute : TheoryAttribute
{
    public TheoryIfAttribute(params Need[] needs) => Skip = Requires.Missing(needs);
}

static class Requires
{
    internal static string? Missing(Need[] needs)
    {
        string[] missing = [.. needs.Where(n => !Has(n)).Select(n => n.ToString())];
        return missing.Length == 0 ? null : "needs " + string.Join(", ", missing);
    }

    static bool Has(Need need) => need switch
    {
        Need.Root => Environment.IsPrivilegedProcess,
        Need.Compiler => File.Exists("/usr/bin/cc"),
        Need.Numa => Sysfs.OnlineNodes().Length > 0,
        Need.TwoNodes => Sysfs.MemoryNodes().Length > 1,
        Need.Leases => ProcFile.Number("/proc/sys/fs/leases-enable") == 1,
        Need.HugePages => Environment.IsPrivilegedProcess && RuntimeInformation.ProcessArchitecture == Architecture.X64
            // A large pool is somebody's: these tests use one up.
            && Sysfs.HugePageSizes().Contains(2ul << 20) && Sysfs.Pool(2ul << 20).Total <= 64 && Procfs.MemInfo("MemFree") > 256ul << 20,
        Need.PopulateWrite => Host.HasMadvise(Mman.MADV_POPULATE_WRITE),
        Need.PageScan => CanScan(),
        Need.Swap => Procfs.MemInfo("SwapTotal") > 0,
        // What another process makes the kernel swap out would come and go between two looks.
        Need.NoSwap => Procfs.MemInfo("SwapTotal") == Procfs.MemInfo("SwapFree"),
        Need.Ksm => Host.HasMadvise(Mman.MADV_MERGEABLE),
        _ => false,
    };

    // Linux 6.7.
    static bool CanScan()
    {
        using var scan = PageScan.Open();
        using var memory = Make.Anonymous(Host.PageSize);
        return scan is not null && memory.CountPages(scan, out _).Ok;
    }
}
