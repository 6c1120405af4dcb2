using System.Text.RegularExpressions;

namespace HostMemd.Fuzz;

/// <summary>One message that the two answered differently.</summary>
sealed partial class Difference
{
    readonly string _sent;
    readonly string _ours;
    readonly string _theirs;

    public Difference(string sent, IReadOnlyList<string> ours, IReadOnlyList<string> theirs)
    {
        _sent = sent;
        // QEMU 7.2 tells of no positions, and the two folders are of different lengths.
        var isOld = !theirs.Any(Positions().IsMatch);
        if (sent.Contains(Peer.Folder, StringComparison.Ordinal) || isOld)
            (ours, theirs) = (WithoutPositions(ours), WithoutPositions(theirs));
        // What both said first is the same.
        var same = ours.Zip(theirs).TakeWhile(p => p.First == p.Second).Count();
        _ours = string.Join('\n', ours.Skip(same));
        _theirs = string.Join('\n', theirs.Skip(same));
        Kind = $"{Mask(_ours)} | {Mask(_theirs)}";
        Row = s_rows.FirstOrDefault(r => Regex.IsMatch(_sent, r.Sent) && Regex.IsMatch(_ours, r.Ours) && Regex.IsMatch(_theirs, r.Theirs)).Row;
        if (isOld && (_ours + _theirs).Contains("JSON parse error", StringComparison.Ordinal))
            Row ??= "QEMU 7.2: other words of the parser, and another way back after garbage";
    }

    /// <summary>Equal for what differs in names and numbers only.</summary>
    public string Kind { get; }

    /// <summary>The row of docs/compatibility.md, or null if it has none.</summary>
    public string? Row { get; }

    public long Count { get; set; } = 1;

    public override string ToString() => $"  sent:   {Short(_sent)}\n  ours:   {Short(_ours)}\n  theirs: {Short(_theirs)}";

    static IReadOnlyList<string> WithoutPositions(IEnumerable<string> replies) => [.. replies.Select(r => Positions().Replace(r, ""))];

    [GeneratedRegex("(?<=\"desc\": \")[0-9]+:[0-9]+: ")]
    private static partial Regex Positions();

    static string Short(string text) => text.Length > 600 ? text[..600] + "..." : text.TrimEnd();

    static string Mask(string text)
    {
        var masked = Words().Replace(Numbers().Replace(text, "N"), "'...'");
        return masked.Length > 200 ? masked[..200] : masked;
    }

    [GeneratedRegex("[0-9]+")]
    private static partial Regex Numbers();

    [GeneratedRegex("'[^']*'")]
    private static partial Regex Words();

    static readonly (string Sent, string Ours, string Theirs, string Row)[] s_rows =
    [
        ("", "error", PeerClient.Ended, "sizes and combinations that end QEMU"),
        ("", "", "backing store size 0x[0-9a-f]+ is too small for 'size'", "a memfd or shm whose size was no page multiple"),
        ("", "^$", "^$", "only positions in texts with a path in them, or that QEMU 7.2 has not"),
        ("", "\"thread-id\"", "\"thread-id\"", "thread-id is each one's own"),
        ("", "", "qom-list-get has not been found", "QEMU 7.2: commands that came later"),
        ("", "is too small for 'size'", "does not match 'size'", "QEMU 7.2: another text for files that are too small"),
        ("memory-backend-shm|\"rom\"|\"align\"|\"offset\"", "", "not accept value 'memory-backend-shm'|is unexpected|not found", "QEMU 7.2: types and properties that came later"),
        ("", "not online|host node .* absent", "", "some of the host-nodes are not online"),
        ("qom-set", "", "\"return\": \\{\\}", "qom-set of host-nodes, policy, hugetlb, seal on a complete object"),
        ("", "U\\+0000", "", "U+0000 in mem-path"),
        ("", "memory-backend-epc", "", "memory-backend-epc"),
        ("qom-list|qom-get|qom-set", "", "(compat_monitor0|/machine|\\$|accel|none-machine)", "/objects, /machine, /backend, /chardevs"),
        ("/machine|/backend|/chardevs|/audiodevs", "", "", "/machine, /backend, /chardevs, /audiodevs"),
        ("", "CommandNotFound", "", "query-commands"),
        ("", "request-bytes", "", "request larger than 4 MiB"),
    ];
}
