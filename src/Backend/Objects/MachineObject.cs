using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Backend.Objects;

/// <summary>
/// <c>/machine</c>: no machine at all, as QEMU's <c>-machine none</c>, but for the two defaults that it supplies to memory.
/// </summary>
public sealed class MachineObject(MachineDefaults defaults) : QomObject(NoneClass, "machine")
{
    public static QomClass MachineClass { get; } = new("machine", BaseClass, new PropertyTable<MachineObject>()
        .Row("mem-merge", QapiTypes.Bool, "Enable/disable memory merge support", m => m.Defaults.MemMerge, set: null)
        .Row("dump-guest-core", QapiTypes.Bool, "Include guest memory in a core dump", m => m.Defaults.DumpGuestCore, set: null)
        .Rows)
    {
        IsAbstract = true,
    };

    public static QomClass NoneClass { get; } = new("none-machine", MachineClass, []);

    MachineDefaults Defaults { get; } = defaults;
}
