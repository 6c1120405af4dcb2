using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Memory;

// Who else uses the memory: those it was lent to, and those the kernel knows of.
public abstract partial class HostMemoryBackend
{
    const uint OwnerAndOthers = 0b110_000_110;

    /// <summary>Opens the memory for another process.</summary>
    /// <param name="readOnly">The descriptor is not to be mapped writable. Memory that is read-only itself is lent so in any case.</param>
    /// <returns>A descriptor with an open file of its own, so that the kernel counts whoever has it.</returns>
    /// <exception cref="QmpException">No other process can share this memory.</exception>
    public SafeFileHandle OpenForLending(ref bool readOnly)
    {
        if (Region is not { File: { } file } region)
            throw QmpErrors.NotLendable(Name);
        readOnly |= region.IsReadOnly;
        var errno = Files.Reopen(file, (readOnly ? Files.O_RDONLY : Files.O_RDWR) | Files.O_CLOEXEC, out var lent);
        return errno.Ok ? lent! : throw QmpErrors.CannotLend(Name, errno.Text);
    }

    /// <summary>
    /// Lets the user of a process that was lent the memory for writing open it again through its own <c>/proc/self/fd</c>: QEMU takes
    /// memory by path only. Memory without a path of its own is its owner's otherwise, so that a loan for reading holds against others.
    /// </summary>
    /// <param name="lent">Any descriptor of the memory.</param>
    /// <param name="uid">The user.</param>
    public void AdmitUser(SafeFileHandle lent, uint uid)
    {
        // Root and the owner may in any case.
        if (uid == 0 || HasPath || (Files.Status(lent, out var status).Ok && status.Uid == uid))
            return;
        // Huge pages have no access lists: there it is everybody. Whatever fails, the descriptor that is lent is good for mapping.
        if (PosixAcl.Admit(lent, uid) == Errno.EOPNOTSUPP)
            Files.SetMode(lent, OwnerAndOthers);
    }

    /// <summary>The file is one that others may know, and its mode their business.</summary>
    private protected virtual bool HasPath => false;

    public override QmpException? DeletionRefusal() => Services.Users.Refusal(this);

    public override ValueTask<QmpException?> DeletionRefusalAsync() => Services.Users.RefusalAsync(this);
}
