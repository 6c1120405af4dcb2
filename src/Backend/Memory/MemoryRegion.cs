using HostMemd.Backend.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Memory;

/// <summary>The memory of one backend: a mapping and, where it has one, the descriptor behind it.</summary>
public sealed class MemoryRegion(MappedMemory mapping, SafeFileHandle? file, ulong pageSize, bool isShared) : IDisposable
{
    public MappedMemory Mapping { get; } = mapping;

    /// <summary>What the memory is a mapping of; null for private anonymous memory.</summary>
    public SafeFileHandle? File { get; } = file;

    /// <summary>Bytes; never below the host's page.</summary>
    public ulong PageSize { get; } = pageSize;

    /// <summary>Writes go to <see cref="File"/> and are seen by whoever else maps it.</summary>
    public bool IsShared { get; } = isShared;

    /// <summary>In pages of a huge page pool.</summary>
    public bool IsHugeTlb => PageSize > Host.PageSize;

    /// <summary>Cannot be written: mapped from a read-only descriptor as read-only memory.</summary>
    public bool IsReadOnly { get; init; }

    public void Dispose()
    {
        // The mapping first: the pages of a file that is already unlinked are free when both are gone.
        Mapping.Dispose();
        File?.Dispose();
    }
}
