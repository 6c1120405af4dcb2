using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Regions;

/// <summary>The memory of one backend: a mapping and, where it has one, the descriptor behind it.</summary>
public sealed class MemoryRegion(MappedMemory mapping, SafeFileHandle? file, ulong pageSize, bool isShared) : IDisposable
{
    // Unmapping gigabytes at once would hold the address space all the while, and every other mmap would wait.
    const ulong ReleaseStep = 16 << 20;

    public MappedMemory Mapping { get; } = mapping;

    /// <summary>The file that is mapped; null for private anonymous memory.</summary>
    public SafeFileHandle? File { get; } = file;

    /// <summary>The kernel's identity of the file; null for memory that no other process can share.</summary>
    public FileIdentity? Identity { get; } =
        file is not null && Files.Status(file, out var status).Ok ? FileIdentity.Of(status) : null;

    /// <summary>Bytes; never below the host's page.</summary>
    public ulong PageSize { get; } = pageSize;

    /// <summary>Writes go to <see cref="File"/>, and other processes that map it see them.</summary>
    public bool IsShared { get; } = isShared;

    /// <summary>In pages of a huge page pool.</summary>
    public bool IsHugeTlb => PageSize > Host.PageSize;

    /// <summary>Cannot be written: mapped from a read-only descriptor as read-only memory.</summary>
    public bool IsReadOnly { get; init; }

    /// <summary>Where in <see cref="File"/> the memory starts; bytes.</summary>
    public ulong Offset { get; init; }

    /// <summary>
    /// The file is in memory, in pages of the host's size: allocating them by fallocate(2) first makes filling faster. It does not with
    /// huge pages, where clearing takes most of the time, and on a disk it reserves blocks.
    /// </summary>
    public bool AllocatesQuickly { get; init; }

    /// <summary>
    /// A core dump would contain the memory. False once the kernel has accepted MADV_DONTDUMP, which only this process can give.
    /// </summary>
    public bool IsDumped { get; private set; } = true;

    /// <summary>Includes the first bytes of the memory in core dumps, or excludes them: MADV_DODUMP, MADV_DONTDUMP.</summary>
    /// <returns>madvise(2)'s error; nothing has changed then.</returns>
    internal Errno SetDumped(bool dumped, ulong length)
    {
        var errno = Mapping.Advise(0, length, dumped ? Mman.MADV_DODUMP : Mman.MADV_DONTDUMP);
        if (errno.Ok)
            IsDumped = dumped;
        return errno;
    }

    /// <summary>
    /// Bytes of the memory for which its file has pages, in memory or swapped, whichever process touched them; null where blocks are not
    /// pages.
    /// </summary>
    internal ulong? FilePages() =>
        IsShared && File is { } file && (AllocatesQuickly || IsHugeTlb) && Files.Status(file, out var status).Ok
            ? Math.Min(status.Blocks * 512, Mapping.Length) : null;

    /// <summary>
    /// No page was ever filled. For a file the blocks count, not the resident pages: data on a disk or in swap space is not resident, and
    /// may be another process's.
    /// </summary>
    internal bool IsEmpty => IsShared
        ? File is not null && Files.Status(File, out var status).Ok && status is { IsRegular: true, Blocks: 0 }
        : Mapping.Resident(out var resident).Ok && resident == 0;

    /// <summary>
    /// Gives the pages back that a failed filling left behind, if no other process uses the memory: data that another process may have
    /// written stays.
    /// </summary>
    /// <param name="wasEmpty">The memory had no page before.</param>
    /// <param name="holes">The holes that the file behind private memory had.</param>
    internal void GiveBack(bool wasEmpty, FileHoles? holes)
    {
        if (wasEmpty)
            GiveBackMemory();
        if (holes is not null && IsAlone)
            holes.GiveBack();
    }

    void GiveBackMemory()
    {
        if (!IsShared)
            Discard(Mman.MADV_DONTNEED);
        else if (File is not null && IsAlone)
            Discard(Mman.MADV_REMOVE);
    }

    /// <summary>No other process has the file open or mapped, by the kernel's word; false when it does not say.</summary>
    bool IsAlone => File is not null && Files.TryWriteLease(File, out var alone).Ok && alone;

    void Discard(int advice)
    {
        var step = Math.Max(ReleaseStep, PageSize);
        for (ulong at = 0; at < Mapping.Length; at += step)
            Mapping.Advise(at, Math.Min(step, Mapping.Length - at), advice);
    }

    public void Dispose()
    {
        if (!IsHugeTlb && Mapping.Length > ReleaseStep)
            Discard(Mman.MADV_DONTNEED);
        // The mapping first: the pages of an unlinked file are free once both are gone.
        Mapping.Dispose();
        File?.Dispose();
    }
}
