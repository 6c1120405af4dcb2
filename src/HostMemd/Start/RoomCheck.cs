using HostMemd.Backend.Regions;
using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>Checks that the limits leave this process the address space and the memory to serve clients.</summary>
static class RoomCheck
{
    // The GC reserves half of RLIMIT_AS for its heap. libc and the stacks of threads take some 380 MiB more, most of it after the start.
    // The rest is what the daemon keeps free for both.
    const ulong LeastAddressSpace = 1280UL << 20;

    /// <exception cref="StartException">A limit is too low; the message names it, its value and how much is needed.</exception>
    public static void Check()
    {
        if (Rlimit.Get(Rlimit.RLIMIT_AS, out var space, out _).Ok && space < LeastAddressSpace)
            throw new StartException($"RLIMIT_AS is {space}, {LeastAddressSpace} are needed");
        if (Headroom.Missing() is { } missing)
            throw new StartException($"{missing.Name} is {missing.Value}, {missing.Needed} are needed");
    }
}
