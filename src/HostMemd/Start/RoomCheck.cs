using HostMemd.Backend.Regions;
using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>Whether the address space and the memory that limits leave to this process are enough to serve anybody.</summary>
static class RoomCheck
{
    // The GC reserves half of RLIMIT_AS for its heap, whatever that is; libc and the stacks of threads have some 380 MiB more, most of it
    // after the start, and then there is what is kept for both.
    const ulong LeastAddressSpace = 1280UL << 20;

    /// <exception cref="StartException">A limit is too low; the line says which, and how much is needed.</exception>
    public static void Check()
    {
        if (Rlimit.Get(Rlimit.RLIMIT_AS, out var space, out _).Ok && space < LeastAddressSpace)
            throw new StartException($"RLIMIT_AS is {space}, {LeastAddressSpace} are needed");
        if (Headroom.Missing() is { } missing)
            throw new StartException($"{missing.Name} is {missing.Value}, {missing.Needed} are needed");
    }
}
