using HostMemd.Backend.Memory;

namespace HostMemd.Backend.Leases;

/// <summary>A promise to a process that memory stays: from <c>memdev-map</c> until <c>memdev-unmap</c> or the end of the process.</summary>
/// <param name="Mapping">The unique name the client knows it by.</param>
/// <param name="Backend">The memory.</param>
/// <param name="Pid">The process it is for; <see cref="Unnumbered"/> if it is in a pid namespace that the daemon does not see.</param>
/// <param name="Name">Free text of the client's.</param>
/// <param name="IsReadOnly">The descriptor lent cannot be mapped writable.</param>
/// <param name="Since">When it was given.</param>
public sealed record Lease(string Mapping, HostMemoryBackend Backend, int Pid, string? Name, bool IsReadOnly, DateTimeOffset Since)
{
    /// <summary>When the process started, in the kernel's clock ticks; null if it was not read when the lease was given.</summary>
    public ulong? StartTime { get; init; }

    /// <summary>The number of a process that has none here (pid_namespaces(7)), as unix(7) has it for SO_PEERCRED.</summary>
    public const int Unnumbered = 0;
}
