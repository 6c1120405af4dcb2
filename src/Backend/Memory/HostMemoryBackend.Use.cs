using HostMemd.Backend.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Memory;

// Who else uses the memory: those it was lent to, and those the kernel knows of.
public abstract partial class HostMemoryBackend
{
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

    public override QmpException? DeletionRefusal() =>
        Environment.Leases.Of(this).Count > 0 ? QmpErrors.ObjectMapped(Name) : null;

    public override async ValueTask<QmpException?> DeletionRefusalAsync()
    {
        if (Region is not { } region)
            return null;
        // Not known: nothing of ours speaks against it, and the log says what could not be seen.
        var held = await Environment.Holders.IsHeldElsewhereAsync(region, IsFileOfAnother).ConfigureAwait(false);
        return held == true ? QmpErrors.ObjectMapped(Name) : null;
    }

    bool IsFileOfAnother()
    {
        lock (Environment.State)
        {
            return Environment.Tree.Objects.Children.OfType<HostMemoryBackend>()
                .Any(b => b != this && b.Region?.Identity is { } file && file == Region?.Identity);
        }
    }
}
