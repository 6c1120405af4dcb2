using System.Globalization;

namespace HostMemd.Persistence;

/// <summary>The names under which a descriptor store, or a takeover, carries the daemon's descriptors.</summary>
/// <remarks>
/// They are short, because systemd passes all names in one variable, which the kernel bounds to 128 KiB (execve(2), MAX_ARG_STRLEN).
/// Beyond that the service cannot be started any more.
/// </remarks>
static class DescriptorNames
{
    const string MemoryPrefix = "mem-";
    const string JournalPrefix = "state-";
    const string ProcessPrefix = "process-";

    /// <summary>The memory of an object.</summary>
    public static string Memory(long number) => Name(MemoryPrefix, number);

    /// <summary>A journal.</summary>
    public static string Journal(long generation) => Name(JournalPrefix, generation);

    /// <summary>A process without a number in this pid namespace.</summary>
    public static string Process(long number) => Name(ProcessPrefix, number);

    /// <summary>The number in the name of an object's memory; null for another name.</summary>
    public static long? MemoryNumber(string name) => Number(name, MemoryPrefix);

    /// <summary>The generation in the name of a journal; null for another name.</summary>
    public static long? JournalGeneration(string name) => Number(name, JournalPrefix);

    /// <summary>Whether the name is one of <see cref="Process"/>.</summary>
    public static bool IsProcess(string name) => Number(name, ProcessPrefix) is not null;

    static string Name(string prefix, long number) => string.Create(CultureInfo.InvariantCulture, $"{prefix}{number}");

    static long? Number(string name, string prefix) => name.StartsWith(prefix, StringComparison.Ordinal)
        && long.TryParse(name.AsSpan(prefix.Length), NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : null;
}
