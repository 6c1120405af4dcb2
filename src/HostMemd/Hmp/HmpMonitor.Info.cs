using System.Globalization;
using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Hmp;

// The info commands.
public sealed partial class HmpMonitor
{
    void InfoMemdev(HmpCall call)
    {
        using (_state.Enter())
        {
            foreach (var backend in ChildOrder.Sort(_tree.Objects).OfType<HostMemoryBackend>())
                call.Print(Describe(backend));
        }
        call.Print("\n");
    }

    // Two blanks behind "size:" and one behind "host nodes:", even when there are none.
    static string Describe(HostMemoryBackend backend) => string.Create(CultureInfo.InvariantCulture,
        $"""
        memory backend: {backend.Name}
          size:  {backend.Size}
          merge: {TrueFalse(backend.Merge)}
          dump: {TrueFalse(backend.Dump)}
          prealloc: {TrueFalse(backend.Prealloc)}
          share: {TrueFalse(backend.Share)}
          reserve: {TrueFalse(backend.Reserve)}
          policy: {Memdev.PolicyType.NameOf(backend.Policy)}
          host nodes: {BitList.Text([.. backend.HostNodes.ToList().Select(n => (int)n)])}

        """);

    static string TrueFalse(bool value) => value ? "true" : "false";

    void InfoQomTree(HmpCall call)
    {
        var path = call.Find("path") ?? "/machine";
        using (_state.Enter())
        {
            QomObject top;
            try
            {
                top = _tree.Resolve(path);
            }
            catch (QmpException)
            {
                // As in QEMU this is no error.
                call.Print($"Path '{path}' could not be resolved.\n");
                return;
            }
            PrintTree(top, 0, call);
        }
    }

    static void PrintTree(QomObject top, int indent, HmpCall call)
    {
        call.Print($"{new string(' ', indent)}/{top.Name} ({top.Class.Name})\n");
        foreach (var child in top.Children.OrderBy(c => c.Name, StringComparer.Ordinal))
            PrintTree(child, indent + 2, call);
    }
}
