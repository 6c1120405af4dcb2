using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

// Folders by descriptor: getdents64(2). .NET's enumeration asks with a stat(2) of its own what each link leads to, and looks every
// path up from the root, which for a process with thousands of descriptors takes almost twice as long.
public static unsafe partial class Files
{
    const int FolderPiece = 8 * 1024;
    const int NameOffset = 19; // struct linux_dirent64: d_ino, d_off, d_reclen at 16, d_type at 18, d_name

    /// <summary>The names in an open folder, from where the descriptor stands, without <c>.</c> and <c>..</c>; in no order.</summary>
    /// <param name="folder">Opened with O_DIRECTORY.</param>
    /// <param name="names">Receives them; those read before a failure are in it.</param>
    /// <returns>ENOENT: the folder is gone, as /proc/PID is when the process has ended; ENOTDIR, EBADF: getdents64(2).</returns>
    public static Errno Names(SafeFileHandle folder, out List<string> names)
    {
        names = [];
        var entries = stackalloc byte[FolderPiece];
        while (true)
        {
            if (Faults.Hit(nameof(getdents64), out var error))
                return error;
            var length = getdents64(folder, entries, FolderPiece);
            if (length <= 0)
                return length == 0 ? Errno.None : Errno.Last;
            for (var entry = entries; entry < entries + length; entry += *(ushort*)(entry + 16))
            {
                var name = Marshal.PtrToStringUTF8((nint)entry + NameOffset)!;
                if (name is not ("." or ".."))
                    names.Add(name);
            }
        }
    }

    /// <summary>The status of what a name in an open folder stands for; symbolic links are followed.</summary>
    /// <param name="folder">Opened with O_DIRECTORY.</param>
    /// <param name="name">Not empty.</param>
    /// <param name="status">Only meaningful without error.</param>
    /// <returns>As <see cref="StatusOf"/>.</returns>
    public static Errno StatusAt(SafeFileHandle folder, string name, out FileStatus status)
    {
        status = default;
        if (Libc.HasNul(name))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(statx), out var error))
            return error;
        statx found;
        if (StatDescriptor(folder, name, 0, STATX_BASIC_STATS, &found) != 0)
            return Errno.Last;
        status = Read(in found);
        return Errno.None;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial nint getdents64(SafeFileHandle folder, byte* entries, nuint length);
}
