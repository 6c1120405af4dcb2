using System.Text;

namespace HostMemd.Linux;

/// <summary>A pool of huge pages, in pages.</summary>
/// <param name="Total">Pages in the pool.</param>
/// <param name="Free">Not in use; a reserved page is still free.</param>
/// <param name="Reserved">Promised to mappings that have not touched them. Kept for the machine, not per node: 0 there.</param>
/// <param name="Surplus">Above nr_hugepages, by overcommit.</param>
public readonly record struct HugePagePool(ulong Total, ulong Free, ulong Reserved, ulong Surplus);

/// <summary>Persistent or set-aside memory that is mapped through a character device, /dev/dax0.0 for one.</summary>
/// <param name="Size">Bytes.</param>
/// <param name="Alignment">Of address, offset and length of a mapping, in bytes; 0 if unknown (before Linux 5.10).</param>
public readonly record struct DaxDevice(ulong Size, ulong Alignment);

/// <summary>Files of /sys: nodes, huge page pools, KSM. What is missing is empty, 0 or null, never an error.</summary>
public static class Sysfs
{
    const string Pools = "hugepages";

    /// <summary>Online NUMA nodes, ascending; empty without NUMA. Documentation/ABI/stable/sysfs-devices-node.</summary>
    /// <param name="root">Where sysfs is.</param>
    public static int[] OnlineNodes(string root = "/sys") => List(root + "/devices/system/node/online");

    /// <summary>Nodes that have memory, ascending.</summary>
    /// <param name="root">Where sysfs is.</param>
    public static int[] MemoryNodes(string root = "/sys") => List(root + "/devices/system/node/has_memory");

    /// <summary>CPUs of a node; empty for one with memory only.</summary>
    /// <param name="node">The node's number.</param>
    /// <param name="root">Where sysfs is.</param>
    public static int[] NodeCpus(int node, string root = "/sys") => List($"{root}/devices/system/node/node{node}/cpulist");

    /// <summary>Free bytes of a node, 0 if unknown.</summary>
    /// <param name="node">The node's number.</param>
    /// <param name="root">Where sysfs is.</param>
    public static ulong FreeMemory(int node, string root = "/sys") => NodeMemory(node, "MemFree", root);

    /// <summary>Bytes of a node, 0 if unknown.</summary>
    /// <param name="node">The node's number.</param>
    /// <param name="root">Where sysfs is.</param>
    public static ulong TotalMemory(int node, string root = "/sys") => NodeMemory(node, "MemTotal", root);

    static ulong NodeMemory(int node, string field, string root)
    {
        var name = Encoding.UTF8.GetBytes($"Node {node} {field}");
        using var file = ProcFile.Open($"{root}/devices/system/node/node{node}/meminfo");
        while (file is not null && file.Next(out var line))
        {
            if (Procfs.Field(line, name, out var value))
                return Procfs.Amount(value) ?? 0;
        }
        return 0;
    }

    /// <summary>Page sizes with a pool, in bytes, ascending. Documentation/admin-guide/mm/hugetlbpage.rst.</summary>
    /// <param name="root">Where sysfs is.</param>
    public static IReadOnlyList<ulong> HugePageSizes(string root = "/sys")
    {
        List<ulong> sizes = [];
        try
        {
            foreach (var path in Directory.EnumerateDirectories($"{root}/kernel/mm/{Pools}", "hugepages-*kB"))
            {
                var name = Path.GetFileName(path);
                if (ulong.TryParse(name.AsSpan("hugepages-".Length, name.Length - "hugepages-kB".Length), out var size))
                    sizes.Add(size * 1024);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // No hugetlb, or /sys hidden from the unit.
        }
        sizes.Sort();
        return sizes;
    }

    /// <summary>The state of a pool; all 0 if there is none.</summary>
    /// <param name="pageSize">Bytes.</param>
    /// <param name="node">The node, or null for the whole machine.</param>
    /// <param name="root">Where sysfs is.</param>
    public static HugePagePool Pool(ulong pageSize, int? node = null, string root = "/sys")
    {
        var parent = node is { } number ? $"{root}/devices/system/node/node{number}" : $"{root}/kernel/mm";
        var pool = $"{parent}/{Pools}/hugepages-{pageSize / 1024}kB/";
        return new HugePagePool(Count("nr_hugepages"), Count("free_hugepages"), Count("resv_hugepages"), Count("surplus_hugepages"));

        ulong Count(string file) => ProcFile.Number(pool + file) ?? 0;
    }

    /// <summary>A file of /sys/kernel/mm/ksm as text, <c>run</c> for one; null without KSM. Documentation/admin-guide/mm/ksm.rst.</summary>
    /// <param name="name">The file's name.</param>
    /// <param name="root">Where sysfs is.</param>
    public static string? Ksm(string name, string root = "/sys") => ProcFile.Text($"{root}/kernel/mm/ksm/{name}");

    /// <summary>Bytes and alignment of a device DAX; null if the device is none. Documentation/ABI/testing/sysfs-bus-dax.</summary>
    /// <param name="major">Its device number: major.</param>
    /// <param name="minor">Minor.</param>
    /// <param name="root">Where sysfs is.</param>
    public static DaxDevice? Dax(uint major, uint minor, string root = "/sys")
    {
        var device = $"{root}/dev/char/{major}:{minor}";
        var isDax = Path.GetFileName(new DirectoryInfo(device + "/subsystem").LinkTarget) == "dax";
        return isDax && ProcFile.Number(device + "/size") is { } size
            ? new DaxDevice(size, ProcFile.Number(device + "/align") ?? 0) : null;
    }

    static int[] List(string path)
    {
        using var file = ProcFile.Open(path);
        return file is not null && file.Next(out var line) ? BitList.Parse(line) : [];
    }
}
