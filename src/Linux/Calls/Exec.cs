using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Linux;

/// <summary>Becoming another program: execve(2), and what the runtime has changed that the other program would inherit.</summary>
public static unsafe partial class Exec
{
    /// <summary>Lets the descriptor stay open in the next program: fcntl(2), FD_CLOEXEC.</summary>
    public static Errno Inherit(SafeFileHandle descriptor) => Files.Control(descriptor, Files.F_SETFD, 0, out _);

    /// <summary>Replaces this process by that program, which is looked for in PATH. Returns only when it failed.</summary>
    /// <param name="arguments">The program's name and its arguments, without a NUL.</param>
    /// <returns>ENOENT, EACCES, ENOEXEC, E2BIG: execve(2).</returns>
    public static Errno Replace(IReadOnlyList<byte[]> arguments)
    {
        // The runtime ignores it, and what is ignored stays so: signal(7).
        if (Signals.Restore(Signals.SIGPIPE) is { Failed: true } refused)
            return refused;
        if (Faults.Hit(nameof(execvp), out var error))
            return error;
        var bytes = arguments.SelectMany(a => a.Append((byte)0)).ToArray();
        fixed (byte* start = bytes)
        {
            var pointers = stackalloc byte*[arguments.Count + 1];
            for (var (i, at) = (0, 0); i < arguments.Count; at += arguments[i].Length + 1, i++)
                pointers[i] = start + at;
            pointers[arguments.Count] = null;
            execvp(pointers[0], pointers);
        }
        return Errno.Last;
    }

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int execvp(byte* file, byte** arguments);
}
