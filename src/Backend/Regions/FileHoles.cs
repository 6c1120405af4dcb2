using HostMemd.Linux;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Regions;

/// <summary>
/// The holes that a file in memory had before private memory on it was filled: the kernel gives the file a page of zeroes for every page
/// of the mapping that it copies. The pages that a failed filling left there are given back; pages that the file had stay.
/// </summary>
sealed class FileHoles
{
    // A file with more holes than this keeps the pages.
    const int MostHoles = 4096;

    readonly SafeFileHandle _file;
    readonly List<(ulong Start, ulong Length)> _holes;

    FileHoles(SafeFileHandle file, List<(ulong, ulong)> holes) => (_file, _holes) = (file, holes);

    /// <summary>
    /// The holes in the part of the file that is mapped; null if filling makes no pages there, or if the holes cannot be known.
    /// </summary>
    public static FileHoles? Of(MemoryRegion region)
    {
        if (region is not { IsShared: false, AllocatesQuickly: true, File: { } file } || Files.Status(file, out var status).Failed)
            return null;
        var holes = new List<(ulong, ulong)>();
        var end = region.Offset + region.Mapping.Length;
        ulong data = 0;
        for (ulong at = 0; at < status.Size;)
        {
            var start = Find(file, at, Files.SEEK_DATA, status.Size);
            if (start is null || holes.Count == MostHoles)
                return null;
            var (from, to) = (Math.Max(at, region.Offset), Math.Min(start.Value, end));
            if (from < to)
                holes.Add((from, to - from));
            if (Find(file, start.Value, Files.SEEK_HOLE, status.Size) is not { } next)
                return null;
            data += next - start.Value;
            at = next;
        }
        // More blocks than data: the file's owner allocated them ahead of use (fallocate(2)), which lseek(2) does not show.
        return status.Blocks * 512 > Allocation.RoundUp(data, Host.PageSize) ? null : new(file, holes);
    }

    static ulong? Find(SafeFileHandle file, ulong offset, int whence, ulong size)
    {
        if (offset >= size)
            return size;
        var errno = Files.Seek(file, offset, whence, out var found);
        return errno.Ok ? found : errno == Errno.ENXIO ? size : null;
    }

    /// <summary>Makes holes of them again. Only for a file that no other process has open.</summary>
    public void GiveBack()
    {
        SafeFileHandle? writable = null;
        foreach (var (start, length) in _holes)
        {
            const int Punch = Files.FALLOC_FL_PUNCH_HOLE | Files.FALLOC_FL_KEEP_SIZE;
            var errno = Files.Allocate(writable ?? _file, Punch, start, length);
            // The file is open for reading only. If it cannot be opened for writing, the pages stay.
            if (errno == Errno.EBADF && writable is null && Files.Reopen(_file, Files.O_RDWR | Files.O_CLOEXEC, out writable).Ok)
                errno = Files.Allocate(writable!, Punch, start, length);
            if (errno.Failed)
                break;
        }
        writable?.Dispose();
    }
}
