using System.Runtime.InteropServices;

namespace HostMemd.Linux;

// The names of files and folders: mkdir(2), rmdir(2), chdir(2), access(2), lchown(2), umask(2), unlink(2).
public static unsafe partial class Files
{
    const int W_OK = 2;

    /// <summary>Makes a folder: mkdir(2). Its parent must exist.</summary>
    /// <param name="path">The new folder.</param>
    /// <param name="mode">Permission bits before the umask.</param>
    /// <returns>EEXIST, ENOENT, EACCES, ENOSPC, EROFS, ENOTDIR: mkdir(2).</returns>
    public static Errno MakeFolder(string path, uint mode)
    {
        if (Libc.HasNul(path))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(mkdir), out var error))
            return error;
        return mkdir(path, mode) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Removes an empty folder: rmdir(2).</summary>
    /// <param name="path">The folder.</param>
    /// <returns>ENOTEMPTY, ENOENT, EACCES, EBUSY: rmdir(2).</returns>
    public static Errno RemoveFolder(string path)
    {
        if (Libc.HasNul(path))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(rmdir), out var error))
            return error;
        return rmdir(path) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Makes a folder the working directory: chdir(2).</summary>
    /// <param name="path">The folder.</param>
    /// <returns>ENOENT, EACCES, ENOTDIR: chdir(2).</returns>
    public static Errno EnterFolder(string path)
    {
        if (Libc.HasNul(path))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(chdir), out var error))
            return error;
        return chdir(path) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Whether this process's real user may write a file, or make files in a folder: access(2).</summary>
    /// <param name="path">The file or folder.</param>
    /// <returns>None when it may; EACCES, ENOENT, EROFS, ETXTBSY: access(2).</returns>
    public static Errno CheckWritable(string path)
    {
        if (Libc.HasNul(path))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(access), out var error))
            return error;
        return access(path, W_OK) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Gives a file to another owner; a symbolic link is not followed: lchown(2).</summary>
    /// <param name="path">The file.</param>
    /// <param name="owner">Null leaves the owner as it is.</param>
    /// <param name="group">Null leaves the group as it is.</param>
    /// <returns>EPERM, ENOENT, EACCES, EROFS: lchown(2).</returns>
    public static Errno SetOwner(string path, uint? owner, uint? group)
    {
        if (Libc.HasNul(path))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(lchown), out var error))
            return error;
        return lchown(path, owner ?? uint.MaxValue, group ?? uint.MaxValue) == 0 ? Errno.None : Errno.Last;
    }

    /// <summary>Sets the permission bits that new files of this process do not get: umask(2), which cannot fail.</summary>
    /// <param name="mask">Permission bits.</param>
    /// <returns>Those before.</returns>
    public static uint SetUmask(uint mask) => umask(mask);

    /// <summary>Removes a name: unlink(2).</summary>
    /// <param name="path">The name to remove.</param>
    /// <returns>unlink(2)'s error.</returns>
    public static Errno Unlink(string path)
    {
        if (Libc.HasNul(path))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(unlink), out var error))
            return error;
        return unlink(path) == 0 ? Errno.None : Errno.Last;
    }

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int mkdir(string path, uint mode);

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int rmdir(string path);

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int chdir(string path);

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int access(string path, int mode);

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int lchown(string path, uint owner, uint group);

    [LibraryImport(Libc.Name)]
    private static partial uint umask(uint mask);

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int unlink(string path);
}
