namespace HostMemd.Integration.Recordings;

/// <summary>
/// The recorded cases where we differ from QEMU on purpose (contract § 5), step by step; everything else in them must be QEMU's.
/// Each has a row in docs/compatibility.md.
/// </summary>
static class RecordedDifferences
{
    /// <summary>Stands for the files checked at the end: they are there where QEMU's are not, and the other way round.</summary>
    public const int Files = 0;

    const string Refused = """{"error": {"class": "GenericError", "desc": "cannot change property value"}}""";

    static readonly Dictionary<int, string[]> s_none = [];

    // The new host-nodes replace the old ones; QEMU only ever adds.
    static readonly Dictionary<int, string[]> s_nodesReplaced = new() { [5] = ["""{"return": []}"""] };

    public static IReadOnlyDictionary<string, Dictionary<int, string[]>> All { get; } = new Dictionary<string, Dictionary<int, string[]>>
    {
        ["ram-set-host-nodes"] = s_nodesReplaced,
        ["memfd-set-host-nodes"] = s_nodesReplaced,
        ["shm-set-host-nodes"] = s_nodesReplaced,
        // hugetlb and seal cannot change any more; QEMU lets them be flipped and then they lie.
        ["memfd-set-props"] = new() { [2] = [Refused], [4] = [Refused], [6] = ["""{"return": true}"""] },
        // The file that a failing object-add made is removed again.
        ["file-size-not-page-multiple"] = new() { [Files] = [] },
    };

    public static IReadOnlyDictionary<int, string[]> Of(string name) => All.GetValueOrDefault(name, s_none);
}
