using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>
/// Users and groups: getpwnam(3), getgrnam(3), which ask what nsswitch.conf(5) names; geteuid(2), getegid(2).
/// </summary>
public static unsafe partial class Accounts
{
    // struct passwd and struct group end with more pointers; only the ids are read.
    const int EntryBytes = 64;
    const int IdOffset = 16;
    const int LeastBytes = 4096, MostBytes = 16 << 20;

    /// <summary>The user whose rights this process has.</summary>
    public static uint EffectiveUid => geteuid();

    /// <summary>The group whose rights this process has.</summary>
    public static uint EffectiveGid => getegid();

    /// <summary>Looks a user up by login name.</summary>
    /// <param name="name">The login name.</param>
    /// <param name="uid">Null when the system has no such user, and on failure.</param>
    /// <returns>EIO, EMFILE, ENFILE, ENOMEM, ERANGE: getpwnam(3).</returns>
    public static Errno FindUser(string name, out uint? uid)
    {
        Errno error;
        var size = LeastBytes;
        var entry = stackalloc byte[EntryBytes];
        do
        {
            uid = null;
            if (Faults.Hit(nameof(getpwnam_r), out error))
                return error;
            void* found = null;
            fixed (byte* buffer = new byte[size])
                error = new(getpwnam_r(name, entry, buffer, (nuint)size, &found));
            uid = Id(entry, found);
        }
        while (IsTooSmall(error, ref size));
        return IsNoEntry(error) ? Errno.None : error;
    }

    /// <summary>Looks a group up by name.</summary>
    /// <param name="name">The group's name.</param>
    /// <param name="gid">Null when the system has no such group, and on failure.</param>
    /// <returns>EIO, EMFILE, ENFILE, ENOMEM, ERANGE: getgrnam(3).</returns>
    public static Errno FindGroup(string name, out uint? gid)
    {
        Errno error;
        var size = LeastBytes;
        var entry = stackalloc byte[EntryBytes];
        do
        {
            gid = null;
            if (Faults.Hit(nameof(getgrnam_r), out error))
                return error;
            void* found = null;
            fixed (byte* buffer = new byte[size])
                error = new(getgrnam_r(name, entry, buffer, (nuint)size, &found));
            gid = Id(entry, found);
        }
        while (IsTooSmall(error, ref size));
        return IsNoEntry(error) ? Errno.None : error;
    }

    static uint? Id(byte* entry, void* found) => found is null ? null : *(uint*)(entry + IdOffset);

    // A group with thousands of members needs room for their names.
    static bool IsTooSmall(Errno error, ref int size) => error == Errno.ERANGE && (size *= 4) <= MostBytes;

    // "The given name was not found", as some sources say it: getpwnam(3), ERRORS.
    static bool IsNoEntry(Errno error) =>
        error == Errno.ENOENT || error == Errno.ESRCH || error == Errno.EBADF || error == Errno.EPERM;

    [LibraryImport(Libc.Name)]
    private static partial uint geteuid();

    [LibraryImport(Libc.Name)]
    private static partial uint getegid();

    [LibraryImport(Libc.Name, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int getpwnam_r(string name, void* entry, byte* buffer, nuint size, void** found);

    [LibraryImport(Libc.Name, StringMarshalling = StringMarshalling.Utf8)]
    private static partial int getgrnam_r(string name, void* entry, byte* buffer, nuint size, void** found);
}
