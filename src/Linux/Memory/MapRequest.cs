using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>What <see cref="MappedMemory.Map"/> is to make. All sizes in bytes.</summary>
public sealed record MapRequest
{
    /// <summary>Bytes asked for; rounded up to <see cref="PageSize"/>.</summary>
    public required ulong Length { get; init; }

    /// <summary>A power of two the address is to be a multiple of; 0 or less than the page size means the page size.</summary>
    public ulong Alignment { get; init; }

    /// <summary>Page size of the memory: the host's, or the huge page size of the file. 0 means the host's.</summary>
    public ulong PageSize { get; init; }

    /// <summary>PROT_*.</summary>
    public int Protection { get; init; } = Mman.PROT_READ | Mman.PROT_WRITE;

    /// <summary>MAP_SHARED or MAP_PRIVATE or MAP_SHARED_VALIDATE, and MAP_NORESERVE, MAP_ANONYMOUS, MAP_SYNC as wanted.</summary>
    public required int Flags { get; init; }

    /// <summary>The file to map, or null with MAP_ANONYMOUS.</summary>
    public SafeFileHandle? File { get; init; }

    /// <summary>Where in the file, in bytes.</summary>
    public ulong Offset { get; init; }

    /// <summary>Leave one inaccessible host page behind the memory, so that running off its end faults.</summary>
    public bool Guard { get; init; }
}
