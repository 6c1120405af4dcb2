using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client;

/// <summary>Memory that was lent: what the daemon says of it, and its descriptor. Disposing of it closes the one and returns the
/// other.</summary>
public sealed class MemdevLoan : IAsyncDisposable, IDisposable
{
    readonly HostMemdClient _client;
    Task? _returned;

    internal MemdevLoan(HostMemdClient client, MemdevMapped info, SafeFileHandle descriptor)
    {
        _client = client;
        Info = info;
        Descriptor = descriptor;
    }

    /// <summary>The daemon's reply: the name of the loan, size, page size, a path that opens the same memory.</summary>
    public MemdevMapped Info { get; }

    /// <summary>The memory's file, close-on-exec. Closed with the loan.</summary>
    public SafeFileHandle Descriptor { get; }

    /// <summary>Closes the descriptor and tells the daemon, without waiting for its answer.</summary>
    public void Dispose()
    {
        if (Interlocked.CompareExchange(ref _returned, Task.CompletedTask, null) is not null)
            return;
        Descriptor.Dispose();
        _returned = _client.GiveBack(Info.Mapping);
    }

    /// <summary>The same, and waits until the daemon has heard it: the memory can be deleted then.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        // A daemon that is gone, or that thinks the loan is over, changes nothing for us.
        await _returned!.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
