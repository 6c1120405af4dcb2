namespace HostMemd.Linux;

/// <summary>Users and groups by name, from wherever this system keeps them (nsswitch.conf(5)).</summary>
public static unsafe class Accounts
{
    // Both structures end with more pointers; only the ids are read: getpwnam(3), getgrnam(3), 64-bit Linux.
    const int UidOffset = 16;
    const int GidOffset = 16;

    public static uint? FindUser(string name) => Find(name, UidOffset, user: true);

    public static uint? FindGroup(string name) => Find(name, GidOffset, user: false);

    static uint? Find(string name, int offset, bool user)
    {
        const int ERANGE = 34;
        var entry = stackalloc byte[64];
        // A group with thousands of members needs room for their names.
        for (var size = 4096; size <= 16 << 20; size *= 4)
        {
            var buffer = new byte[size];
            fixed (byte* start = buffer)
            {
                void* found;
                var error = user
                    ? Posix.getpwnam_r(name, entry, start, (nuint)size, &found)
                    : Posix.getgrnam_r(name, entry, start, (nuint)size, &found);
                if (error == ERANGE)
                    continue;
                return error == 0 && found is not null ? *(uint*)(entry + offset) : null;
            }
        }
        return null;
    }
}
