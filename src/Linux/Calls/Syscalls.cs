namespace HostMemd.Linux;

/// <summary>Numbers for syscall(2), for the calls that glibc does not wrap or that are younger than the oldest glibc we run on.</summary>
static class Syscalls
{
    public static readonly int SYS_futex = Libc.PerArch(x64: 202, arm64: 98);
    public static readonly int SYS_mbind = Libc.PerArch(x64: 237, arm64: 235);
    public static readonly int SYS_set_mempolicy = Libc.PerArch(x64: 238, arm64: 237);
    public static readonly int SYS_get_mempolicy = Libc.PerArch(x64: 239, arm64: 236);
    public static readonly int SYS_move_pages = Libc.PerArch(x64: 279, arm64: 239);

    // Since 5.1 every architecture gives a new call the same number.
    internal const int SYS_pidfd_open = 434;
    internal const int SYS_openat2 = 437;
}
