using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>The status of a file: statx(2).</summary>
/// <param name="Major">Device of the file system: major number.</param>
/// <param name="Minor">Minor number.</param>
/// <param name="Inode">Inode number.</param>
/// <param name="Size">Bytes.</param>
/// <param name="Blocks">Allocated blocks of 512 bytes.</param>
/// <param name="Mode">Type and permission bits.</param>
/// <param name="Uid">Owner.</param>
/// <param name="Gid">Group.</param>
/// <param name="Links">Names the file has; 0 once unlinked, and for a memfd.</param>
/// <param name="SpecialMajor">The device that a device file stands for: major number.</param>
/// <param name="SpecialMinor">Minor number.</param>
public readonly record struct FileStatus(
    uint Major, uint Minor, ulong Inode, ulong Size, ulong Blocks, uint Mode, uint Uid, uint Gid, uint Links,
    uint SpecialMajor, uint SpecialMinor)
{
    /// <summary>Both device numbers in one, unlike for different devices; with <see cref="Inode"/> the file's identity.</summary>
    public ulong Device => ((ulong)Major << 32) | Minor;

    /// <summary>The device as /proc/PID/maps writes it, <c>00:01</c>. On btrfs and overlayfs maps show another one.</summary>
    public string DeviceText => $"{Major:x2}:{Minor:x2}";

    /// <summary>A regular file, memfd and hugetlbfs included.</summary>
    public bool IsRegular => (Mode & Files.S_IFMT) == Files.S_IFREG;

    /// <summary>A directory.</summary>
    public bool IsDirectory => (Mode & Files.S_IFMT) == Files.S_IFDIR;

    /// <summary>A block device.</summary>
    public bool IsBlockDevice => (Mode & Files.S_IFMT) == Files.S_IFBLK;

    /// <summary>A character device, as /dev/dax is.</summary>
    public bool IsCharDevice => (Mode & Files.S_IFMT) == Files.S_IFCHR;
}

/// <summary>The status of a file system: statfs(2).</summary>
/// <param name="Type">Magic number: <see cref="Files.HUGETLBFS_MAGIC"/> and so on.</param>
/// <param name="BlockSize">Bytes; the page size on hugetlbfs.</param>
/// <param name="Total">Bytes it can hold; 0 if unlimited.</param>
/// <param name="Available">Bytes that an unprivileged user can still allocate.</param>
public readonly record struct FileSystemStatus(long Type, ulong BlockSize, ulong Total, ulong Available)
{
    /// <summary>Its files are made of huge pages.</summary>
    public bool IsHugeTlb => Type == Files.HUGETLBFS_MAGIC;

    /// <summary>tmpfs, which memfd and shm are files of.</summary>
    public bool IsTmpfs => Type == Files.TMPFS_MAGIC;
}

// statx(2) instead of fstat(2): its structure is the same on every architecture. fstatfs(2).
public static unsafe partial class Files
{
#pragma warning disable CS1591, CS8981 // statx(2), statfs(2); the kernel's spelling
    public const uint S_IFMT = 0xf000;
    public const uint S_IFDIR = 0x4000;
    public const uint S_IFCHR = 0x2000;
    public const uint S_IFBLK = 0x6000;
    public const uint S_IFREG = 0x8000;
    public const long HUGETLBFS_MAGIC = 0x958458f6;
    public const long TMPFS_MAGIC = 0x01021994;
    internal const int AT_FDCWD = -100;
    internal const int AT_EMPTY_PATH = 0x1000;
    internal const uint STATX_BASIC_STATS = 0x7ff;

    [StructLayout(LayoutKind.Explicit, Size = 256)]
    internal struct statx
    {
        [FieldOffset(16)] internal uint stx_nlink;
        [FieldOffset(20)] internal uint stx_uid;
        [FieldOffset(24)] internal uint stx_gid;
        [FieldOffset(28)] internal ushort stx_mode;
        [FieldOffset(32)] internal ulong stx_ino;
        [FieldOffset(40)] internal ulong stx_size;
        [FieldOffset(48)] internal ulong stx_blocks;
        [FieldOffset(128)] internal uint stx_rdev_major;
        [FieldOffset(132)] internal uint stx_rdev_minor;
        [FieldOffset(136)] internal uint stx_dev_major;
        [FieldOffset(140)] internal uint stx_dev_minor;
    }

    [StructLayout(LayoutKind.Explicit, Size = 120)]
    internal struct statfs
    {
        [FieldOffset(0)] internal long f_type;
        [FieldOffset(8)] internal long f_bsize;
        [FieldOffset(16)] internal ulong f_blocks;
        [FieldOffset(24)] internal ulong f_bfree;
        [FieldOffset(32)] internal ulong f_bavail;
    }
#pragma warning restore CS1591, CS8981

    /// <summary>The status of an open file.</summary>
    /// <param name="fd">Any descriptor.</param>
    /// <param name="status">Only meaningful without error.</param>
    /// <returns>EIO and the like: statx(2); EBADF if it was closed meanwhile.</returns>
    public static Errno Status(SafeFileHandle fd, out FileStatus status)
    {
        status = default;
        if (Faults.Hit(nameof(statx), out var error))
            return error;
        statx found;
        try
        {
            if (StatDescriptor(fd, "", AT_EMPTY_PATH, STATX_BASIC_STATS, &found) != 0)
                return Errno.Last;
        }
        catch (ObjectDisposedException)
        {
            // An object that is being deleted while its statistics are read.
            return Errno.EBADF;
        }
        status = Read(in found);
        return Errno.None;
    }

    /// <summary>The status of a named file; symbolic links are followed.</summary>
    /// <param name="path">Absolute, or from the working directory.</param>
    /// <param name="status">Only meaningful without error.</param>
    /// <returns>ENOENT, EACCES, ENOTDIR, ELOOP, ENAMETOOLONG: statx(2); EINVAL for a path with a NUL.</returns>
    public static Errno StatusOf(string path, out FileStatus status)
    {
        status = default;
        if (Libc.HasNul(path))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(statx), out var error))
            return error;
        statx found;
        if (StatPath(AT_FDCWD, path, 0, STATX_BASIC_STATS, &found) != 0)
            return Errno.Last;
        status = Read(in found);
        return Errno.None;
    }

    /// <summary>The file system of an open file.</summary>
    /// <param name="fd">Any descriptor.</param>
    /// <param name="status">Only meaningful without error.</param>
    /// <returns>ENOSYS where a file system has none; EIO: statfs(2).</returns>
    public static Errno FileSystem(SafeFileHandle fd, out FileSystemStatus status)
    {
        status = default;
        if (Faults.Hit(nameof(fstatfs), out var error))
            return error;
        statfs found;
        do
        {
            error = fstatfs(fd, &found) == 0 ? Errno.None : Errno.Last;
        }
        while (error == Errno.EINTR);
        if (error.Failed)
            return error;
        var block = (ulong)found.f_bsize;
        status = new FileSystemStatus(found.f_type, block, found.f_blocks * block, found.f_bavail * block);
        return Errno.None;
    }

    static FileStatus Read(in statx s) => new(
        s.stx_dev_major, s.stx_dev_minor, s.stx_ino, s.stx_size, s.stx_blocks, s.stx_mode, s.stx_uid, s.stx_gid, s.stx_nlink,
        s.stx_rdev_major, s.stx_rdev_minor);

    [LibraryImport(Libc.Name, EntryPoint = nameof(statx), SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatDescriptor(SafeFileHandle fd, string path, int flags, uint mask, statx* status);

    [LibraryImport(Libc.Name, EntryPoint = nameof(statx), SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int StatPath(int directory, string path, int flags, uint mask, statx* status);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int fstatfs(SafeFileHandle fd, statfs* status);
}
