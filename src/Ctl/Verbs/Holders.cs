using System.Globalization;
using HostMemd.Client;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Who has memory, in words.</summary>
static class Holders
{
    /// <summary><c>qemu-system-x86[2744]</c>.</summary>
    public static string Name(MemdevMapping holder) => holder switch
    {
        { Kind: MemdevMappingKind.Unseen } => "a process that is not seen",
        { Pid: 0 } => "a process of another pid namespace",
        _ => string.Create(CultureInfo.InvariantCulture, $"{holder.Comm}[{holder.Pid}]"),
    };

    /// <summary>The same, and how it is known.</summary>
    public static string NameAndKind(MemdevMapping holder) => holder.Kind switch
    {
        MemdevMappingKind.Lease => $"{Name(holder)} (lease {holder.Mapping})",
        MemdevMappingKind.Kernel => $"{Name(holder)} (kernel)",
        _ => $"{Name(holder)} ({holder.Name})",
    };

    public static string Names(IEnumerable<MemdevMapping> holders) =>
        string.Join(", ", holders.Select(Name).Distinct()) is { Length: > 0 } names ? names : "-";

    /// <summary>Why an object cannot be deleted: the daemon's own words where no process holds it.</summary>
    public static async Task<string> ReasonAsync(HostMemdClient client, string id, QmpException refusal)
    {
        try
        {
            var holders = await client.QueryMappingsAsync(id).ConfigureAwait(false);
            return holders.Count == 0 ? refusal.Message : $"{id} is in use by {string.Join(", ", holders.Select(NameAndKind))}";
        }
        catch (QmpException)
        {
            return refusal.Message;
        }
    }
}
