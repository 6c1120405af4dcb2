using System.Diagnostics;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using HostMemd.Linux;

namespace HostMemd.Faulty;

/// <summary>
/// Lets the calls of <see cref="Posix"/> fail, which have no hook in the sources: all calls into the C library go by shim.c, which is compiled
/// and put before it when this assembly is loaded.
/// </summary>
static unsafe class Shim
{
    /// <summary>The calls that it knows, each with the errnos of its man page.</summary>
    public static readonly (string Call, Errno[] Errnos)[] Calls =
    [
        ("socket", [Errno.EACCES, Errno.EMFILE, Errno.ENFILE, Errno.ENOMEM]),
        ("bind", [Errno.EACCES, Errno.ENOENT, Errno.ENOTDIR, Errno.ELOOP, Errno.ENOMEM]),
        ("connect", [Errno.EACCES, Errno.EAGAIN, Errno.EPERM]),
        ("listen", [Errno.EBADF, Errno.EOPNOTSUPP]),
        ("socketpair", [Errno.EMFILE, Errno.ENFILE]),
        ("fchmod", [Errno.EIO, Errno.EPERM]),
        ("lchown", [Errno.EACCES, Errno.EIO, Errno.ENOENT, Errno.EPERM]),
        ("unlink", [Errno.EACCES, Errno.EPERM, Errno.EIO]),
        ("mkdir", [Errno.EACCES, Errno.ENOSPC, Errno.ENOTDIR]),
        ("open", [Errno.EACCES, Errno.EISDIR, Errno.EMFILE, Errno.ENOSPC]),
        ("ftruncate", [Errno.EINVAL, Errno.EIO]),
        ("write", [Errno.EIO, Errno.ENOSPC]),
        ("flock", [Errno.EBADF, Errno.ENOMEM]),
        ("fcntl", [Errno.EAGAIN, Errno.EACCES]),
    ];

    static readonly nint s_library = Load();
    static readonly delegate* unmanaged<byte*, int, int, void> s_arm = s_library == 0 ? null
        : (delegate* unmanaged<byte*, int, int, void>)NativeLibrary.GetExport(s_library, "shim_arm");
    static readonly delegate* unmanaged<byte*, int> s_count = s_library == 0 ? null
        : (delegate* unmanaged<byte*, int>)NativeLibrary.GetExport(s_library, "shim_count");

    [ModuleInitializer]
    internal static void PutBefore() =>
        NativeLibrary.SetDllImportResolver(Assembly.GetExecutingAssembly(), (name, _, _) => name == "libc" ? s_library : 0);

    /// <summary>Makes the <paramref name="nth"/> such call from now on fail; 0 none.</summary>
    public static void Arm(string call, int nth, Errno errno)
    {
        fixed (byte* name = Name(call))
            s_arm(name, nth, errno.Number);
    }

    /// <summary>How often it was made since.</summary>
    public static int Count(string call)
    {
        fixed (byte* name = Name(call))
            return s_count(name);
    }

    static byte[] Name(string call) => System.Text.Encoding.ASCII.GetBytes(call + '\0');

    static nint Load()
    {
        var folder = Directory.CreateTempSubdirectory("hostmemd-shim-").FullName;
        try
        {
            var source = Path.Combine(AppContext.BaseDirectory, "shim.c");
            var library = Path.Combine(folder, "shim.so");
            using var compiler = Process.Start("cc", ["-O1", "-fno-builtin", "-shared", "-fPIC", "-o", library, source]);
            compiler.WaitForExit();
            return compiler.ExitCode == 0 ? NativeLibrary.Load(library) : throw new InvalidOperationException("shim.c does not compile");
        }
        catch (System.ComponentModel.Win32Exception)
        {
            // No compiler: the tests that need one are skipped.
            return 0;
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
