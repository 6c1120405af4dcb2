using System.Globalization;

namespace HostMemd.Integration.Harness;

/// <summary>Some more huge pages of 2 MiB, and what else only one test may turn at a time, for as long as these tests run.</summary>
public sealed class HugePages : IDisposable
{
    public const string Folder = "/sys/kernel/mm/hugepages/hugepages-2048kB";
    const int Added = 16;

    readonly string? _before;

    public HugePages()
    {
        if (Needs.Missing(Need.HugePages) is not null)
            return;
        _before = File.ReadAllText(Folder + "/nr_hugepages").Trim();
        File.WriteAllText(Folder + "/nr_hugepages", (long.Parse(_before, CultureInfo.InvariantCulture) + Added).ToString(CultureInfo.InvariantCulture));
    }

    public static long Count(string figure) => long.Parse(File.ReadAllText($"{Folder}/{figure}"), CultureInfo.InvariantCulture);

    public void Dispose()
    {
        if (_before is not null)
            File.WriteAllText(Folder + "/nr_hugepages", _before);
    }
}

/// <summary>Tests that turn the machine's knobs: one at a time, and nothing else beside them.</summary>
[CollectionDefinition(nameof(Machine), DisableParallelization = true)]
public sealed class Machine : ICollectionFixture<HugePages>;
