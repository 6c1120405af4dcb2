using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>posix_spawn(3), waitpid(2), _exit(2).</summary>
public static unsafe partial class Processes
{
    internal const short POSIX_SPAWN_SETSIGDEF = 0x04;
    internal const short POSIX_SPAWN_SETSIGMASK = 0x08;
    internal const short POSIX_SPAWN_SETSID = 0x80;

    // glibc's posix_spawn_file_actions_t has 80 bytes, posix_spawnattr_t 336, sigset_t 128; other libraries' are smaller.
    const int StructureWords = 64;

    /// <summary>
    /// Starts a process in a session of its own, with /dev/null for its standard streams and every signal at its default. It inherits the
    /// descriptors that are not close-on-exec.
    /// </summary>
    /// <param name="path">The executable.</param>
    /// <param name="arguments">Strings that each end with a NUL, the name of the process first.</param>
    /// <param name="environment">Strings <c>NAME=value</c> that each end with a NUL.</param>
    /// <param name="pid">The new process; 0 on failure.</param>
    /// <returns>EAGAIN, ENOMEM; ENOENT, EACCES: posix_spawn(3), fork(2), execve(2).</returns>
    public static Errno StartDetached(string path, byte[] arguments, byte[] environment, out int pid)
    {
        pid = 0;
        if (Libc.HasNul(path))
            return Errno.EINVAL;
        if (Faults.Hit(nameof(posix_spawn), out var error))
            return error;
        var actions = stackalloc ulong[StructureWords];
        var attributes = stackalloc ulong[StructureWords];
        error = new(posix_spawn_file_actions_init(actions));
        if (error.Failed)
            return error;
        try
        {
            error = new(posix_spawnattr_init(attributes));
            if (error.Failed)
                return error;
            try
            {
                error = Detach(actions, attributes);
                return error.Failed ? error : Start(path, arguments, environment, actions, attributes, out pid);
            }
            finally
            {
                _ = posix_spawnattr_destroy(attributes);
            }
        }
        finally
        {
            _ = posix_spawn_file_actions_destroy(actions);
        }
    }

    static Errno Detach(void* actions, void* attributes)
    {
        var signals = stackalloc ulong[StructureWords];
        for (var stream = 0; stream <= 2; stream++)
        {
            if (posix_spawn_file_actions_addopen(actions, stream, "/dev/null", Files.O_RDWR, 0) is > 0 and var failure)
                return new(failure);
        }
        // These fail for sets and flags that do not exist only.
        _ = sigemptyset(signals);
        _ = posix_spawnattr_setsigmask(attributes, signals);
        _ = sigfillset(signals);
        _ = posix_spawnattr_setsigdefault(attributes, signals);
        return new(posix_spawnattr_setflags(attributes, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF));
    }

    static Errno Start(string path, byte[] arguments, byte[] environment, void* actions, void* attributes, out int pid)
    {
        fixed (byte* argumentBytes = arguments)
        fixed (byte* environmentBytes = environment)
        fixed (byte** argv = Pointers(argumentBytes, arguments.Length))
        fixed (byte** envp = Pointers(environmentBytes, environment.Length))
        {
            int child;
            var error = posix_spawn(&child, path, actions, attributes, argv, envp);
            pid = error == 0 ? child : 0;
            return new(error);
        }
    }

    // The beginnings of the strings, and a null at the end.
    static byte*[] Pointers(byte* bytes, int length)
    {
        var count = new ReadOnlySpan<byte>(bytes, length).Count((byte)0);
        var result = new byte*[count + 1];
        for (int i = 0, at = 0; i < count; i++)
        {
            result[i] = bytes + at;
            at += new ReadOnlySpan<byte>(bytes + at, length - at).IndexOf((byte)0) + 1;
        }
        return result;
    }

    /// <summary>Waits until a child ends, and takes its status: waitpid(2).</summary>
    /// <param name="pid">The child.</param>
    /// <param name="ended">How it ended. Only meaningful without error.</param>
    /// <returns>ECHILD: no child of this process has that number.</returns>
    public static Errno WaitFor(int pid, out ExitStatus ended)
    {
        var status = 0;
        Errno error;
        do
        {
            ended = default;
            if (Faults.Hit(nameof(waitpid), out error))
                return error;
            error = waitpid(pid, &status, 0) < 0 ? Errno.Last : Errno.None;
        }
        while (error == Errno.EINTR);
        ended = new(status);
        return error;
    }

    /// <summary>Ends this process now: no handler runs, nothing is flushed. _exit(2).</summary>
    /// <param name="status">0 to 255.</param>
    public static void Exit(int status) => _exit(status);

    [LibraryImport(Libc.Name)]
    private static partial void _exit(int status);

    [LibraryImport(Libc.Name, SetLastError = true)]
    private static partial int waitpid(int pid, int* status, int options);

    [LibraryImport(Libc.Name)]
    private static partial int sigfillset(void* set);

    [LibraryImport(Libc.Name)]
    private static partial int sigemptyset(void* set);

    [LibraryImport(Libc.Name)]
    private static partial int posix_spawn_file_actions_init(void* actions);

    [LibraryImport(Libc.Name, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn_file_actions_addopen(void* actions, int fd, string path, int flags, uint mode);

    [LibraryImport(Libc.Name)]
    private static partial int posix_spawn_file_actions_destroy(void* actions);

    [LibraryImport(Libc.Name)]
    private static partial int posix_spawnattr_init(void* attributes);

    [LibraryImport(Libc.Name)]
    private static partial int posix_spawnattr_setflags(void* attributes, short flags);

    [LibraryImport(Libc.Name)]
    private static partial int posix_spawnattr_setsigmask(void* attributes, void* set);

    [LibraryImport(Libc.Name)]
    private static partial int posix_spawnattr_setsigdefault(void* attributes, void* set);

    [LibraryImport(Libc.Name)]
    private static partial int posix_spawnattr_destroy(void* attributes);

    [LibraryImport(Libc.Name, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int posix_spawn(int* pid, string path, void* actions, void* attributes, byte** argv, byte** envp);
}

/// <summary>How a process ended: the status of wait(2).</summary>
/// <param name="Status">As the kernel packs it.</param>
public readonly record struct ExitStatus(int Status)
{
    /// <summary>The signal that ended it; 0 when it exited by itself.</summary>
    public int Signal => Status & 0x7F;

    /// <summary>What it exited with, 0 to 255, when no signal ended it.</summary>
    public int Code => (Status >> 8) & 0xFF;
}
