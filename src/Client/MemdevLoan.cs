using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client;

/// <summary>Lent memory: the daemon's reply and the descriptor. Disposing of it closes the descriptor and ends the loan.</summary>
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

    /// <summary>Closes the descriptor and ends the loan, without waiting for the daemon's answer.</summary>
    public void Dispose()
    {
        if (Interlocked.CompareExchange(ref _returned, Task.CompletedTask, null) is not null)
            return;
        Descriptor.Dispose();
        _returned = _client.GiveBack(Info.Mapping);
    }

    /// <summary>As Dispose, and waits until the daemon has ended the loan. The memory can be deleted then.</summary>
    public async ValueTask DisposeAsync()
    {
        Dispose();
        // The loan is over too if the daemon is gone, or does not know the loan any more.
        await _returned!.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
    }
}
