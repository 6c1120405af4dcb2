using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;

namespace HostMemd;

/// <summary>The line of <c>systemctl status</c> in numbers.</summary>
/// <param name="Backends">Memory backends.</param>
/// <param name="Bytes">The sum of their sizes.</param>
/// <param name="Quarantined">Entries of another process that this version cannot read.</param>
readonly record struct Totals(int Backends, ulong Bytes, int Quarantined)
{
    /// <summary>Called with the state held.</summary>
    public static Totals Of(QomTree tree, int quarantined)
    {
        var backends = tree.Objects.Children.OfType<HostMemoryBackend>().ToArray();
        return new(backends.Length, backends.Aggregate(0UL, (sum, b) => sum + b.Size), quarantined);
    }

    public override string ToString() => string.Create(null,
        $"{Backends} memory backends, {Bytes >> 20} MiB{(Quarantined > 0 ? $"; {Quarantined} entries kept aside" : "")}");
}
