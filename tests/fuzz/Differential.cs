using System.Text;
using System.Text.RegularExpressions;

namespace HostMemd.Fuzz;

/// <summary>
/// The same sessions to QEMU and to the daemon. Prints where the replies differ, by kind, with the first example of each; what has a row in
/// docs/compatibility.md is counted only. Ends with 1 if there is a kind without a row.
/// </summary>
static partial class Differential
{
    const int MessagesInASession = 20;

    // Filling would go as far as the machine's memory. Our own commands and the schema are not QEMU's; the tree differs by rows.
    static readonly string[] s_left =
    [
        "prealloc", "memdev-", "query-memdev-", "job", "query-version", "query-commands", "query-qmp-schema", "qom-list-types",
        "human-monitor-command", "memdev\"", "oob", "/dev/hugepages", "hugetlb", "fdset", "add-fd", "remove-fd", "watch",
    ];

    public static int Run(FuzzOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("hostmemd-fuzz-");
        try
        {
            return Run(options, folder.FullName);
        }
        finally
        {
            // QEMU makes files with names that are no UTF-8, which .NET can list and not delete.
            using var removing = System.Diagnostics.Process.Start("rm", ["-rf", "--", folder.FullName]);
            removing.WaitForExit();
        }
    }

    static int Run(FuzzOptions options, string folder)
    {
        using var ours = new Peer($"{options.FindDaemon()} --smp 1 --qmp unix:SOCKET", Directory.CreateDirectory(Path.Combine(folder, "ours")).FullName, null);
        using var theirs = new Peer(options.Qemu, Directory.CreateDirectory(Path.Combine(folder, "theirs")).FullName, options.QemuFolder);
        using var budget = new Budget(options);
        var mutator = new Mutator(Seeds.Load(Peer.Folder), new Random(InProcess.HashCode(options.Seed, 1)), slow: 300);
        var kinds = new Dictionary<string, Difference>(StringComparer.Ordinal);
        var replies = 0L;
        var (weEnded, theyEnded) = (false, false);
        for (var session = 0; !budget.IsSpent; session++)
        {
            using var a = ours.Connect(weEnded);
            using var b = theirs.Connect(theyEnded);
            Empty(a);
            Empty(b);
            for (var number = 0; number < MessagesInASession && !budget.IsSpent; number++)
            {
                budget.Add(1);
                var input = Next(mutator, $"{session}.{number}");
                var (mine, other) = (a.TryExchange(input), b.TryExchange(input));
                (weEnded, theyEnded) = (mine.Contains(PeerClient.Ended), other.Contains(PeerClient.Ended));
                replies += other.Count;
                if (mine.SequenceEqual(other))
                    continue;
                var difference = new Difference(Encoding.Latin1.GetString(input), mine, other);
                if (kinds.TryGetValue(difference.Kind, out var known))
                    known.Count++;
                else
                    kinds.Add(difference.Kind, difference);
                // From here on the two may be in different states.
                break;
            }
        }
        var unknown = kinds.Values.Where(d => d.Row is null).ToArray();
        Console.WriteLine($"fuzz: compared: {budget.Inputs} inputs, {replies} replies of {options.Qemu} in {budget.Elapsed.TotalSeconds:F1} s");
        foreach (var row in kinds.Values.Where(d => d.Row is not null).GroupBy(d => d.Row!))
            Console.WriteLine($"fuzz: known, {row.Sum(d => d.Count)} times: {row.Key}");
        foreach (var difference in unknown.OrderByDescending(d => d.Count))
            Console.WriteLine($"fuzz: DIFFERENT (seed {options.Seed}), {difference.Count} times:\n{difference}");
        Console.WriteLine($"fuzz: {unknown.Length} kinds of differences without a row");
        return unknown.Length == 0 ? 0 : 1;
    }

    // Members are sorted by their names' hashes, and so by where the folder is.
    [GeneratedRegex(Peer.Folder + "[^\"]*\" *:")]
    private static partial Regex PathAsName();

    static byte[] Next(Mutator mutator, string id)
    {
        while (true)
        {
            var bytes = mutator.Next(id).Bytes;
            var text = Encoding.Latin1.GetString(bytes);
            if (!Seeds.IsLeftOut(text) && !s_left.Any(w => text.Contains(w, StringComparison.Ordinal)) && !PathAsName().IsMatch(text))
                return bytes;
        }
    }

    // Sessions begin alike: without objects.
    static void Empty(PeerClient client)
    {
        foreach (var name in client.Objects())
            client.Exchange(Encoding.UTF8.GetBytes($"{{\"execute\":\"object-del\",\"arguments\":{{\"id\":{name}}}}}"));
    }
}
