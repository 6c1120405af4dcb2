using HostMemd.Backend.Memory;

namespace HostMemd.Backend.Leases;

/// <summary>
/// The record that a process was lent memory: from <c>memdev-map</c> until <c>memdev-unmap</c> or the end of the process.
/// </summary>
/// <param name="Mapping">The unique name of the lease on the wire.</param>
/// <param name="Backend">The memory.</param>
/// <param name="Pid">The borrower; <see cref="Unnumbered"/> if it is in a pid namespace that the daemon does not see.</param>
/// <param name="Name">Free text of the client.</param>
/// <param name="IsReadOnly">The descriptor lent cannot be mapped writable.</param>
/// <param name="Since">When the lease was given.</param>
public sealed record Lease(string Mapping, HostMemoryBackend Backend, int Pid, string? Name, bool IsReadOnly, DateTimeOffset Since)
{
    /// <summary>When the process started, in the kernel's clock ticks; null if it was not read when the lease was given.</summary>
    public ulong? StartTime { get; init; }

    /// <summary>
    /// The pid of a process that has none in the daemon's pid namespace, as SO_PEERCRED has it (pid_namespaces(7), unix(7)).
    /// </summary>
    public const int Unnumbered = 0;
}
