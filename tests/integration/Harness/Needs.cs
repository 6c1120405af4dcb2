using System.Runtime.InteropServices;

namespace HostMemd.Integration.Harness;

/// <summary>Things that a machine may lack. A test without one is skipped, and the summary names it.</summary>
public enum Need
{
    Root,
    Gcc,
    Python3,
    Socat,
    Jq,
    QemuSystemX86_64,
    QemuUser,
    QemuReference,
    HugePages,
    Ksm,
    TmpfsMount,
    DevShm,
    Numa,
    ThreeGiBFree,
    Systemd,
    SystemdAnalyze,
    SystemdSocketActivate,
    OtherUsers,
    Strace,
    MemoryCgroup,
    Published,
    Native,
    MemoryDenyWriteExecute,
    PidNamespace,
    LoopDevice,
    MemfdNoExec,
    Tmux,
    Bash,
    Zsh,
    Fish,
    Sshd,
    Mandoc,
    NodePackages,
}

sealed class FactIfAttribute : FactAttribute
{
    public FactIfAttribute(params Need[] needs) => Skip = Needs.Missing(needs);
}

sealed class TheoryIfAttribute : TheoryAttribute
{
    public TheoryIfAttribute(params Need[] needs) => Skip = Needs.Missing(needs);
}

static class Needs
{
    public static string? Missing(params Need[] needs)
    {
        string[] missing = [.. needs.Where(n => !Has(n)).Select(NameOf)];
        return missing.Length == 0 ? null : "needs " + string.Join(", ", missing);
    }

    static string NameOf(Need need) => need switch
    {
        Need.Root => "root",
        Need.Gcc => "gcc",
        Need.Python3 => "python3",
        Need.Socat => "socat",
        Need.Jq => "jq",
        Need.QemuSystemX86_64 => "qemu-system-x86_64",
        Need.QemuUser => "qemu-x86_64 (qemu-user)",
        Need.QemuReference => "qemu-reference (root, ../shared/tools/qemu-reference and its chroot)",
        Need.HugePages => "root and huge pages of 2 MiB",
        Need.Ksm => "root and KSM",
        Need.TmpfsMount => "root and the right to mount a tmpfs",
        Need.DevShm => "/dev/shm",
        Need.Numa => "a kernel with NUMA",
        Need.ThreeGiBFree => "4 GiB of free memory",
        Need.Systemd => "a running systemd",
        Need.SystemdAnalyze => "systemd-analyze",
        Need.SystemdSocketActivate => "systemd-socket-activate",
        Need.OtherUsers => "root, setpriv and /usr/bin/python3",
        Need.Strace => "root and strace",
        Need.MemoryCgroup => "root and a memory controller of control groups",
        Need.Published => "a published daemon, as test.sh makes it",
        Need.Native => "a daemon published as native code, as test.sh makes it",
        Need.MemoryDenyWriteExecute => "python3 and Linux 6.3 (PR_SET_MDWE)",
        Need.PidNamespace => "root, unshare(1), the right to make a pid namespace, and Linux 6.5",
        Need.LoopDevice => "root and a free loop device",
        Need.MemfdNoExec => "vm.memfd_noexec (Linux 6.3)",
        Need.Tmux => "tmux",
        Need.Bash => "bash and tmux",
        Need.Zsh => "zsh and tmux",
        Need.Fish => "fish and tmux",
        Need.Sshd => "root, sshd and ssh",
        Need.Mandoc => "mandoc",
        Need.NodePackages => "node, and the packages of tests/integration/Rpc/node-packages.sh",
        _ => need.ToString(),
    };

    static readonly Lazy<bool> s_canMount = new(() =>
    {
        if (!Environment.IsPrivilegedProcess)
            return false;
        var folder = Directory.CreateTempSubdirectory("hostmemd-mount-").FullName;
        var mounted = Program.Run("", "mount", "-t", "tmpfs", "-o", "size=64k", "hostmemd-test", folder).Status == 0;
        if (mounted)
            Program.Check("umount", folder);
        Directory.Delete(folder);
        return mounted;
    });

    static readonly Lazy<bool> s_canHaveNamespace = new(() => Environment.IsPrivilegedProcess && Program.Find("unshare") is not null
        && Environment.OSVersion.Version >= new Version(6, 5)
        && Program.Run("", "unshare", "--pid", "--fork", "--mount-proc", "true").Status == 0);

    static readonly Lazy<bool> s_canLoop = new(() =>
        Environment.IsPrivilegedProcess && Program.Find("losetup") is not null && Program.Run("", "losetup", "--find").Status == 0);

    static bool Has(Need need) => need switch
    {
        Need.Root => Environment.IsPrivilegedProcess,
        Need.Gcc => Program.Find("gcc") is not null,
        Need.Python3 => Program.Find("python3") is not null,
        Need.Socat => Program.Find("socat") is not null,
        Need.Jq => Program.Find("jq") is not null,
        Need.QemuSystemX86_64 => Program.Find("qemu-system-x86_64") is not null,
        Need.QemuUser => Program.Find("qemu-x86_64") is not null,
        Need.QemuReference => Environment.IsPrivilegedProcess && FollowedQemu.IsBuilt,
        Need.HugePages => Environment.IsPrivilegedProcess && RuntimeInformation.ProcessArchitecture == Architecture.X64
            && Directory.Exists(HugePages.Folder) && ProcMemory.MemInfo("MemFree") > 256ul << 20,
        Need.Ksm => Environment.IsPrivilegedProcess && File.Exists("/sys/kernel/mm/ksm/run"),
        Need.TmpfsMount => s_canMount.Value,
        Need.DevShm => Directory.Exists("/dev/shm"),
        Need.Numa => File.Exists("/proc/self/numa_maps"),
        Need.ThreeGiBFree => ProcMemory.MemInfo("MemAvailable") > 4ul << 30,
        Need.Systemd => Directory.Exists("/run/systemd/system"),
        Need.SystemdAnalyze => Program.Find("systemd-analyze") is not null,
        Need.SystemdSocketActivate => Program.Find("systemd-socket-activate") is not null,
        Need.OtherUsers => Environment.IsPrivilegedProcess && Program.Find("setpriv") is not null && File.Exists("/usr/bin/python3"),
        Need.Strace => Environment.IsPrivilegedProcess && Program.Find("strace") is not null,
        Need.MemoryCgroup => Environment.IsPrivilegedProcess && (File.Exists("/sys/fs/cgroup/memory/memory.limit_in_bytes")
            || (File.Exists("/sys/fs/cgroup/cgroup.subtree_control")
                && File.ReadAllText("/sys/fs/cgroup/cgroup.subtree_control").Contains("memory", StringComparison.Ordinal))),
        Need.Published => !File.Exists(Path.ChangeExtension(Repository.Daemon, ".dll")),
        Need.Native => Has(Need.Published)
            && Environment.GetEnvironmentVariable("HOSTMEMD_READYTORUN") is null or "",
        Need.MemoryDenyWriteExecute => Program.Find("python3") is not null && Environment.OSVersion.Version >= new Version(6, 3),
        Need.PidNamespace => s_canHaveNamespace.Value,
        Need.LoopDevice => s_canLoop.Value,
        Need.MemfdNoExec => File.Exists("/proc/sys/vm/memfd_noexec"),
        Need.Tmux => Program.Find("tmux") is not null,
        Need.Bash => Has(Need.Tmux) && Program.Find("bash") is not null,
        Need.Zsh => Has(Need.Tmux) && Program.Find("zsh") is not null,
        Need.Fish => Has(Need.Tmux) && Program.Find("fish") is not null,
        Need.Sshd => Environment.IsPrivilegedProcess && File.Exists("/usr/sbin/sshd") && Program.Find("ssh") is not null,
        Need.Mandoc => Program.Find("mandoc") is not null,
        Need.NodePackages => Rpc.NodePackages.AreThere,
        _ => false,
    };
}
