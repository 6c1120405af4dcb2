using System.Globalization;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Memory;

/// <summary>Merging as the kernel counts it, with its scanner switched on for the length of a test.</summary>
[Collection(nameof(Machine))]
public sealed class KsmTests : DaemonTest
{
    const string Ksm = "/sys/kernel/mm/ksm/";
    const ulong Size = 8 << 20;

    public KsmTests(ITestOutputHelper output) : base(output)
    {
        if (Needs.Missing(Need.Ksm) is not null)
            return;
        Keep(new Knob("run", "1"));
        Keep(new Knob("pages_to_scan", "20000"));
        Keep(new Knob("sleep_millisecs", "10"));
    }

    sealed class Knob : IDisposable
    {
        readonly string _path;
        readonly string _before;

        public Knob(string name, string value)
        {
            _path = Ksm + name;
            _before = File.ReadAllText(_path).Trim();
            File.WriteAllText(_path, value);
        }

        public void Dispose() => File.WriteAllText(_path, _before);
    }

    long Merging => long.Parse(File.ReadAllText($"/proc/{Daemon.Pid}/ksm_merging_pages"), CultureInfo.InvariantCulture);

    static long FullScans => long.Parse(File.ReadAllText(Ksm + "full_scans"), CultureInfo.InvariantCulture);

    static void AwaitScans(int scans)
    {
        var begin = FullScans;
        Eventually.True(() => FullScans >= begin + scans, $"{scans} scans of KSM");
    }

    // A private mapping of a file whose pages are all alike: each filled page is a copy that KSM may merge.
    void AddFilled(QmpClient client, string id, bool merge)
    {
        var path = InFolder(id);
        File.WriteAllBytes(path, [.. Enumerable.Repeat((byte)0x5A, (int)Size)]);
        client.Add("memory-backend-file", id, new() { ["size"] = Size, ["mem-path"] = path, ["prealloc"] = true, ["merge"] = merge });
    }

    [FactIf(Need.Ksm)]
    public void EqualPages_AreMerged_AndTakenApartWhenMergeIsSetFalse()
    {
        using var client = Daemon.Connect();

        AddFilled(client, "m", merge: true);
        Eventually.True(() => Merging >= (long)(Size / 4096) * 9 / 10, "KSM to merge the pages");
        client.Set("m", "merge", false);

        // The scanner corrects the count when it next comes by.
        Eventually.AtMost(256, () => Merging, "merged pages");
    }

    [FactIf(Need.Ksm)]
    public void PagesOfABackendWithoutMerge_AreLeftAlone()
    {
        using var client = Daemon.Connect();

        AddFilled(client, "with", merge: true);
        AddFilled(client, "without", merge: false);
        Eventually.True(() => Merging >= (long)(Size / 4096) * 9 / 10, "KSM to merge the pages");
        AwaitScans(3);

        Assert.InRange(Merging, 0, (long)(Size / 4096));
    }
}
