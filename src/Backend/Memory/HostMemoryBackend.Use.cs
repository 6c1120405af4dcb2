using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Memory;

// Lending the memory to other processes, and asking for its users before it is deleted.
public abstract partial class HostMemoryBackend
{
    const uint OwnerAndOthers = 0b110_000_110;

    /// <summary>Opens the memory for another process.</summary>
    /// <param name="readOnly">In: the descriptor must not be mapped writable. Out: true also for memory that is read-only itself.</param>
    /// <returns>A descriptor with an open file of its own, so that a write lease shows its user.</returns>
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
    /// Lets the user of a borrower that may write open the memory again through its own <c>/proc/self/fd</c>: QEMU takes memory by path
    /// only. Without this only the daemon's user can open memory that has no path of its own, so that a borrower that may only read
    /// cannot.
    /// </summary>
    /// <param name="lent">Any descriptor of the memory.</param>
    /// <param name="uid">The user.</param>
    public void AdmitUser(SafeFileHandle lent, uint uid)
    {
        // Root and the owner need no permission.
        if (uid == 0 || HasPath || (Files.Status(lent, out var status).Ok && status.Uid == uid))
            return;
        // hugetlbfs has no access lists: all users are let in there. If this fails, the descriptor that is lent can still be mapped.
        if (PosixAcl.Admit(lent, uid) == Errno.EOPNOTSUPP)
            Files.SetMode(lent, OwnerAndOthers);
    }

    /// <summary>The file has a path, which other programs may know, and its mode is the administrator's.</summary>
    private protected virtual bool HasPath => false;

    public override QmpException? DeletionRefusal() => Services.Users.Refusal(this);

    public override ValueTask<QmpException?> DeletionRefusalAsync() => Services.Users.RefusalAsync(this);
}
