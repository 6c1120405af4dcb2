using HostMemd.Backend.Leases;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Qapi;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging;

namespace HostMemd.Persistence;

/// <summary>Keeps what must outlive this process: reads what the process before left, then records every change for the next one.</summary>
sealed class StateKeeper(ObjectRegistry objects, QomTree tree, LeaseTable leases, FdStore store, StateLock state, ILogger logger)
{
    readonly StateWriter _writer = new(objects, tree, leases, store, state, logger);
    HashSet<string> _restored = [];

    /// <inheritdoc cref="StateWriter.IsEnabled"/>
    public bool IsEnabled => _writer.IsEnabled;

    /// <inheritdoc cref="StateWriter.Quarantined"/>
    public int Quarantined => _writer.Quarantined;

    /// <summary>Makes again what the process before had, then starts recording. Called first, and once.</summary>
    /// <param name="descriptors">What it left; owned from here on.</param>
    /// <param name="fromStore">They are in this daemon's store; otherwise a process handed them over.</param>
    /// <exception cref="StartException">Something that a process hands over cannot be had. That process goes on.</exception>
    public async Task RestoreAsync(IReadOnlyList<PassedDescriptor> descriptors, bool fromStore)
    {
        if (descriptors.Count > 0)
        {
            var restorer = new Restorer(objects, tree, leases, logger);
            await new StoreReader(_writer, store, restorer, state, logger).ReadAsync(descriptors, fromStore).ConfigureAwait(false);
            Log.Restored(logger, tree.Objects.Children.Count());
        }
        using (state.Enter())
            _restored = [.. tree.Objects.Children.Select(c => c.Name)];
        _writer.Begin();
    }

    /// <summary>The object comes from the process before this one, and still exists. Called with the state held.</summary>
    public bool IsRestored(string id)
    {
        state.AssertHeld();
        return _restored.Contains(id);
    }

    /// <inheritdoc cref="StateWriter.Clear"/>
    public void Clear() => _writer.Clear();
}
