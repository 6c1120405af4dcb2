using System.Reflection;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;
using HostMemd.Linux;

namespace HostMemd.Unit.Linux;

/// <summary>Constants and structures with the kernel's spelling are the C headers'; found by reflection, so a new one is covered.</summary>
public partial class ConstantsTests
{
    // Younger than the headers of the oldest system we build on (Debian 12: Linux 6.1, glibc 2.36).
    static readonly string[] s_young = ["MPOL_WEIGHTED_INTERLEAVE", "MFD_EXEC", "MFD_NOEXEC_SEAL", "F_SEAL_EXEC", "MADV_COLLAPSE",
        "PAGEMAP_SCAN", "PAGE_IS_PRESENT", "PAGE_IS_SWAPPED", "PAGE_IS_PFNZERO", "PAGE_IS_HUGE",
        "PID_FS_MAGIC", "SO_PEERPIDFD"];

    static readonly Type[] s_types = [.. typeof(Mman).Assembly.GetTypes().Where(t => t.Namespace == typeof(Mman).Namespace)];

    [GeneratedRegex("^_?[A-Z][A-Z0-9]{2,}(_[A-Za-z0-9_]+)?$|^E2BIG$|^EIO$")]
    private static partial Regex KernelName();

    [FactIf(Need.Compiler)]
    public void Constants_AreThoseOfTheHeaders()
    {
        var ours = s_types
            .SelectMany(t => t.GetFields(BindingFlags.Static | BindingFlags.Public | BindingFlags.NonPublic))
            .Where(f => KernelName().IsMatch(f.Name))
            // Two classes may need the same one, if they agree.
            .Select(f => (f.Name, Number(f.GetValue(null)!))).Distinct().ToDictionary();

        var theirs = CProgram.Values(ours.Keys, out var unknown);

        Assert.True(ours.Count > 100, $"only {ours.Count} constants found");
        Assert.Empty(unknown.Except(s_young));
        Assert.Empty(theirs.Where(c => ours[c.Key] != c.Value).Select(c => $"{c.Key} is {c.Value}, not {ours[c.Key]}"));
    }

    [FactIf(Need.Compiler)]
    public void Structures_AreThoseOfTheHeaders()
    {
        var ours = s_types.Where(t => t.IsValueType && t.Name == t.Name.ToLowerInvariant() && !t.Name.StartsWith('<'))
            .SelectMany(t => t.GetFields(BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic)
                .Select(f => ($"offsetof(struct {CName(t)}, {f.Name})", (long)Marshal.OffsetOf(t, f.Name)))
                .Append(($"sizeof(struct {CName(t)})", Marshal.SizeOf(t))))
            .Distinct().ToDictionary();

        var theirs = CProgram.Values(ours.Keys, out var unknown);

        Assert.Contains("sizeof(struct statx)", ours.Keys);
        Assert.Empty(unknown);
        Assert.Equal(theirs.OrderBy(o => o.Key), ours.OrderBy(o => o.Key));
    }

    [FactIf(Need.Compiler)]
    public void ErrnoNamesAndTexts_AreThoseOfGlibc()
    {
        var theirs = CProgram.Run("""
            for (int i = 1; i < 135; i++)
                if (strerrorname_np(i)) printf("%d %s (%s)\n", i, strerrorname_np(i), strerrordesc_np(i));

            """);

        var ours = string.Concat(Enumerable.Range(1, 134).Select(n => new Errno(n)).Where(e => e.Name != $"E{e.Number}")
            .Select(e => $"{e.Number} {e}\n"));

        Assert.Equal(theirs, ours);
    }

    // C has a function flock and a structure of that name; C# has not both in one class.
    static string CName(Type structure) => structure.Name.EndsWith("_t", StringComparison.Ordinal) ? structure.Name[..^2] : structure.Name;

    static long Number(object value) => value switch
    {
        Errno errno => errno.Number,
        ulong wide => unchecked((long)wide),
        _ => Convert.ToInt64(value),
    };
}
