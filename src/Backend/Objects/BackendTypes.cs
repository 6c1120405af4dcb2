using HostMemd.Backend.Memory;
using HostMemd.Backend.Prealloc;
using HostMemd.Backend.Qom;

namespace HostMemd.Backend.Objects;

/// <summary>
/// The registered classes: what can be made, and what is derived from what. A class that is not here does not exist for clients.
/// </summary>
public static class BackendTypes
{
    // Those of object-add.
    static readonly Dictionary<QomClass, Func<BackendServices, string, QomObject>> s_makers = new()
    {
        [RamBackend.RamClass] = (services, id) => new RamBackend(services, id),
        [FileBackend.FileClass] = (services, id) => new FileBackend(services, id),
        [MemfdBackend.MemfdClass] = (services, id) => new MemfdBackend(services, id),
        [ShmBackend.ShmClass] = (services, id) => new ShmBackend(services, id),
        [ThreadContext.ContextClass] = (_, id) => new ThreadContext(id),
    };

    /// <summary>All classes, in the order of <c>qom-list-types</c>.</summary>
    public static QomTypes All { get; } = new QomTypes().Add(
        [
            QomObject.BaseClass, Container.ContainerClass, MemoryRegionObject.RegionClass, QomObject.UserCreatable,
            MachineObject.MachineClass, MachineObject.NoneClass, HostMemoryBackend.BackendClass, .. s_makers.Keys,
        ]);

    /// <summary>Makes an instance of that class; null for a class of which <c>object-add</c> makes none.</summary>
    /// <param name="type">The class.</param>
    /// <param name="services">What the instance uses.</param>
    /// <param name="id">Its name.</param>
    internal static QomObject? Make(QomClass type, BackendServices services, string id) =>
        s_makers.GetValueOrDefault(type)?.Invoke(services, id);
}
