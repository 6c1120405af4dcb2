using System.Text;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Handover;

/// <summary>
/// A minimal guest: the distribution's kernel and busybox in an initramfs made here. It counts on the serial console, writes the number
/// to a place in memory that its kernel does not use, and prints what it finds beside it.
/// </summary>
static class Guest
{
    public const long MemorySize = 128L << 20;

    /// <summary>
    /// The address of the megabyte that the guest's kernel is configured not to use, in the guest's memory and in the backend.
    /// </summary>
    public const long Mailbox = 96L << 20;

    const string Busybox = "/usr/bin/busybox";

    /// <summary>The environment's, the one that guest-kernel.sh has fetched, or one that is installed.</summary>
    public static string? Kernel { get; } = ((string?[])
        [
            Environment.GetEnvironmentVariable("HOSTMEMD_GUEST_KERNEL"),
            Path.Combine(Repository.Root, "artifacts/guest/vmlinuz"),
            .. Directory.Exists("/boot") ? Directory.GetFiles("/boot", "vmlinuz-*") : [],
        ]).FirstOrDefault(File.Exists);

    public static string? Missing { get; } =
        Needs.Missing(Need.QemuSystemX86_64)
        ?? (Kernel is null ? "needs a guest kernel (tests/integration/Handover/guest-kernel.sh)" : null)
        ?? (File.Exists(Busybox) ? null : "needs busybox-static");

    const string Init = $"""
        #!/bin/busybox sh
        /bin/busybox mount -t devtmpfs dev /dev
        n=0
        while :; do
          n=$((n+1))
          /bin/busybox devmem 0x6000000 32 $n
          heard=$(/bin/busybox devmem 0x6000004 32)
          [ $heard = 0x00000000 ] || echo "heard $heard"
          echo "count $n"
        done
        """;

    /// <summary>Writes the initramfs.</summary>
    public static string WriteInitramfs(string folder)
    {
        var path = Path.Combine(folder, "initramfs");
        using var file = File.Create(path);
        Entry(file, "bin", 0x41ed, []);
        Entry(file, "dev", 0x41ed, []);
        Entry(file, "bin/busybox", 0x81ed, File.ReadAllBytes(Busybox));
        Entry(file, "init", 0x81ed, Encoding.UTF8.GetBytes(Init.ReplaceLineEndings("\n") + "\n"));
        Entry(file, "TRAILER!!!", 0, []);
        return path;
    }

    // The kernel's Documentation/driver-api/early-userspace/buffer-format.rst: "newc", all numbers in eight hexadecimal digits.
    static void Entry(FileStream to, string name, int mode, byte[] content)
    {
        int[] fields = [0, mode, 0, 0, 1, 0, content.Length, 0, 0, 0, 0, name.Length + 1, 0];
        to.Write(Encoding.ASCII.GetBytes("070701" + string.Concat(fields.Select(f => f.ToString("x8"))) + name + "\0"));
        Pad(to);
        to.Write(content);
        Pad(to);
    }

    static void Pad(FileStream to) => to.Write(new byte[(4 - to.Position % 4) % 4]);
}

/// <summary>Skipped where no guest can be booted, or something else is missing.</summary>
sealed class GuestFactAttribute : FactAttribute
{
    public GuestFactAttribute(params Need[] needs) => Skip = Guest.Missing ?? Needs.Missing(needs);
}
