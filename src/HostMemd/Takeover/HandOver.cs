using HostMemd.Backend.Leases;
using HostMemd.Backend.Qom;
using HostMemd.Persistence;
using HostMemd.Qapi;
using HostMemd.Systemd;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Takeover;

/// <summary>The daemon's state as another process needs it: lines of a journal, and a descriptor for each name in them.</summary>
sealed class HandOver(QomTree tree, LeaseTable leases)
{
    /// <summary>Called with the state held and all changes stopped. The descriptors stay the daemon's.</summary>
    public (IReadOnlyList<Value> Lines, IReadOnlyList<PassedDescriptor> Descriptors) Collect()
    {
        var lines = new List<Value>();
        var descriptors = new List<PassedDescriptor>();
        AddObjects(lines, descriptors);
        AddLeases(lines, descriptors);
        return (lines, descriptors);
    }

    void AddObjects(List<Value> lines, List<PassedDescriptor> descriptors)
    {
        foreach (var made in tree.Objects.Children)
        {
            string? name = null;
            if (StateWriter.StoreOf(made) is { } file)
            {
                name = DescriptorNames.Memory(descriptors.Count + 1);
                descriptors.Add(new(name, file));
            }
            lines.Add(StoredState.Line(ObjectRecord.Of(made, name)));
        }
    }

    // A process without a number in this pid namespace can only be watched through its descriptor.
    void AddLeases(List<Value> lines, List<PassedDescriptor> descriptors)
    {
        var processes = new Dictionary<SafeFileHandle, string>(ReferenceEqualityComparer.Instance);
        foreach (var lease in leases.All)
        {
            string? name = null;
            if (lease.Pid == Lease.Unnumbered && leases.PidfdOf(lease) is { } pidfd && !processes.TryGetValue(pidfd, out name))
            {
                name = DescriptorNames.Process(processes.Count + 1);
                processes.Add(pidfd, name);
                descriptors.Add(new(name, pidfd));
            }
            lines.Add(StoredState.Line(LeaseRecord.Of(lease, name)));
        }
    }
}
