using System.Globalization;
using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>open(2) and the calls that give a descriptor: openat2(2), mkostemp(3), F_DUPFD_CLOEXEC.</summary>
public static unsafe partial class Files
{
#pragma warning disable CS1591 // open(2), openat2(2)
    public const int O_RDONLY = 0x0;
    public const int O_WRONLY = 0x1;
    public const int O_RDWR = 0x2;
    public const int O_ACCMODE = 0x3;
    public const int O_CREAT = 0x40;
    public const int O_EXCL = 0x80;
    public const int O_NOCTTY = 0x100;
    public const int O_TRUNC = 0x200;
    public const int O_NONBLOCK = 0x800;
    public const int O_CLOEXEC = 0x80000;
    public const int O_PATH = 0x200000;
    public static readonly int O_DIRECTORY = Libc.PerArch(x64: 0x10000, arm64: 0x4000);
    public static readonly int O_NOFOLLOW = Libc.PerArch(x64: 0x20000, arm64: 0x8000);

    public const ulong RESOLVE_NO_XDEV = 0x01;
    public const ulong RESOLVE_NO_MAGICLINKS = 0x02;
    public const ulong RESOLVE_NO_SYMLINKS = 0x04;
    public const ulong RESOLVE_BENEATH = 0x08;
    public const ulong RESOLVE_IN_ROOT = 0x10;
#pragma warning restore CS1591

#pragma warning disable CS8981 // the kernel's spelling
    internal struct open_how
    {
        public ulong flags;
        public ulong mode;
        public ulong resolve;
    }
#pragma warning restore CS8981

    /// <summary>open(2), close-on-exec, retried when a signal interrupts it.</summary>
    /// <param name="path">As the kernel is to see it, UTF-8; a path with a NUL in it is EINVAL.</param>
    /// <param name="flags">O_*; O_CLOEXEC is added.</param>
    /// <param name="mode">Permission bits of a new file, before the umask.</param>
    /// <param name="fd">The file, or null on failure.</param>
    /// <returns>open(2)'s error.</returns>
    public static Errno Open(string path, int flags, int mode, out SafeFileHandle? fd)
    {
        fd = null;
        if (Libc.HasNul(path))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(open), out var error))
            return error;
        do
        {
            error = Own(open(path, flags | O_CLOEXEC, mode), out fd);
        }
        while (error == Errno.EINTR);
        return error;
    }

    /// <summary>openat2(2): opens below a directory under rules about how the path may be walked.</summary>
    /// <param name="directory">Where to start.</param>
    /// <param name="relative">The path from there.</param>
    /// <param name="flags">O_*; O_CLOEXEC is added.</param>
    /// <param name="mode">Permission bits of a new file; must be 0 unless O_CREAT is given.</param>
    /// <param name="resolve">RESOLVE_*.</param>
    /// <param name="fd">The file, or null on failure.</param>
    /// <returns>EXDEV: the path leaves the directory; ELOOP: a forbidden symbolic link; ENOSYS before Linux 5.6; and open(2)'s.</returns>
    public static Errno OpenBeneath(SafeFileHandle directory, string relative, int flags, int mode, ulong resolve, out SafeFileHandle? fd)
    {
        fd = null;
        if (Libc.HasNul(relative))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(openat2), out var error))
            return error;
        open_how how = new() { flags = (ulong)(flags | O_CLOEXEC), mode = (ulong)mode, resolve = resolve };
        var again = 0;
        do
        {
            error = Own((int)openat2(Syscalls.SYS_openat2, directory, relative, &how, (nuint)sizeof(open_how)), out fd);
        }
        // openat2(2): EAGAIN when a rename elsewhere raced with the walk, to be tried again, but not for ever.
        while (error == Errno.EINTR || (error == Errno.EAGAIN && again++ < 16));
        return error;
    }

    /// <summary>mkostemp(3): a new file, mode 0600, close-on-exec.</summary>
    /// <param name="template">A path that ends in XXXXXX.</param>
    /// <param name="fd">The file, open for reading and writing, or null on failure.</param>
    /// <param name="path">Its path; empty on failure.</param>
    /// <returns>EINVAL: the template; EEXIST: no free name found; and open(2)'s.</returns>
    public static Errno MakeTemporary(string template, out SafeFileHandle? fd, out string path)
    {
        fd = null;
        path = "";
        if (Libc.HasNul(template))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(mkostemp), out var error))
            return error;
        var name = Encoding.UTF8.GetBytes(template + '\0');
        do
        {
            // After a failure the template's end is undefined: mkstemp(3).
            Encoding.UTF8.GetBytes(template, name);
            fixed (byte* p = name)
                error = Own(mkostemp(p, O_CLOEXEC), out fd);
        }
        while (error == Errno.EINTR);
        if (error.Ok)
            path = Encoding.UTF8.GetString(name, 0, name.Length - 1);
        return error;
    }

    /// <summary>Opens the file behind a descriptor once more, as an open file of its own: through /proc/self/fd.</summary>
    /// <param name="fd">Any descriptor of a file that still can be opened; its name may be gone.</param>
    /// <param name="flags">O_*; O_CLOEXEC is added.</param>
    /// <param name="other">The second one, or null on failure.</param>
    /// <returns>open(2)'s error: EACCES if the file's mode forbids it, ENOENT without /proc, ENXIO for a socket.</returns>
    public static Errno Reopen(SafeFileHandle fd, int flags, out SafeFileHandle? other)
    {
        other = null;
        var held = false;
        try
        {
            fd.DangerousAddRef(ref held);
            return Open("/proc/self/fd/" + fd.DangerousGetHandle().ToString(CultureInfo.InvariantCulture), flags, 0, out other);
        }
        catch (ObjectDisposedException)
        {
            return Errno.EBADF;
        }
        finally
        {
            if (held)
                fd.DangerousRelease();
        }
    }

    /// <summary>A second descriptor of the same open file: fcntl(2), F_DUPFD_CLOEXEC, never 0, 1 or 2.</summary>
    /// <param name="fd">The first.</param>
    /// <param name="other">The second, or null on failure.</param>
    /// <returns>EMFILE, EBADF: fcntl(2).</returns>
    public static Errno Duplicate(SafeFileHandle fd, out SafeFileHandle? other)
    {
        other = null;
        var error = Control(fd, F_DUPFD_CLOEXEC, 3, out var made);
        return error.Failed ? error : Own(made, out other);
    }

    /// <summary>A second descriptor of the same open file that a process started by this one inherits: fcntl(2), F_DUPFD.</summary>
    /// <param name="fd">The first.</param>
    /// <param name="least">The least number it may have.</param>
    /// <param name="other">The second, or null on failure.</param>
    /// <returns>EMFILE, EBADF, EINVAL: fcntl(2).</returns>
    public static Errno DuplicateForChild(SafeFileHandle fd, int least, out SafeFileHandle? other)
    {
        other = null;
        var error = Control(fd, F_DUPFD, least, out var made);
        return error.Failed ? error : Own(made, out other);
    }

    /// <summary>No process started by this one inherits the descriptor: fcntl(2), FD_CLOEXEC.</summary>
    /// <param name="fd">Any descriptor.</param>
    /// <returns>EBADF: it is not open.</returns>
    public static Errno CloseOnExec(SafeFileHandle fd) => Control(fd, F_SETFD, FD_CLOEXEC, out _);

    // The one place where a number becomes an owned descriptor; to be called straight on the call's result, as it reads errno.
    internal static Errno Own(int descriptor, out SafeFileHandle? fd)
    {
        fd = descriptor < 0 ? null : new SafeFileHandle(descriptor, ownsHandle: true);
        return fd is null ? Errno.Last : Errno.None;
    }

    [LibraryImport(Libc.Name, SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int open(string path, int flags, int mode);

    [LibraryImport(Libc.Name, EntryPoint = "syscall", SetLastError = true, StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint openat2(nint number, SafeFileHandle directory, string path, open_how* how, nuint size);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int mkostemp(byte* template, int flags);
}
