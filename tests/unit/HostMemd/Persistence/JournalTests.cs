using System.Text;
using HostMemd.Backend.Qom;
using HostMemd.Persistence;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.HostMemd.Persistence;

public sealed class JournalTests
{
    static ObjectRecord Record(string id, string? store) => new(new("memory-backend-memfd", id, []), store, null, 0);

    static Value Made(string id, string? store = null) => StoredState.Line(Record(id, store));

    static string[] Ids(StoredState state) => [.. state.Objects.Select(o => o.Options.Id)];

    static PassedDescriptor Stored(long generation, params Value[] lines)
    {
        Assert.True(Journal.Create(generation, lines, out var journal).Ok);
        return new(DescriptorNames.Journal(generation), journal!.File);
    }

    static StoredState Read(byte[] text, out IReadOnlyList<string> damaged) => JournalText.Read(text, out _, out damaged);

    [Fact]
    public void State_IsTheSumOfItsLines_InTheOrderOfMaking()
    {
        byte[] text = [.. JournalText.Line(JournalText.Header(7)), .. new[] { Made("b"), Made("a"), StoredState.DeletedLine("b"), Made("c"), Made("b"), Made("a", "mem-1") }
            .SelectMany(JournalText.Line)];

        var state = JournalText.Read(text, out var generation, out var damaged);

        Assert.Equal(7, generation);
        Assert.Empty(damaged);
        Assert.Equal(["a", "c", "b"], Ids(state));
        Assert.Equal("mem-1", state.Objects.First().Store);
    }

    [Fact]
    public void EveryCutThroughTheText_IsReadAsFarAsItsWholeLinesGo()
    {
        var header = JournalText.Line(JournalText.Header(1));
        byte[][] lines = [.. new[] { Made("a"), Made("b"), StoredState.DeletedLine("a") }.Select(JournalText.Line)];
        byte[] all = [.. header, .. lines.SelectMany(l => l)];

        Assert.All(Enumerable.Range(header.Length, all.Length - header.Length + 1), cut =>
        {
            var whole = all[..cut].Count(b => b == '\n') - 1;
            var state = Read(all[..cut], out var damaged);
            Assert.Empty(damaged);
            Assert.Equal(whole switch { 0 => [], 1 => ["a"], 2 => ["a", "b"], _ => ["b"] }, Ids(state));
        });
    }

    [Fact]
    public void EveryDamagedByte_CostsItsLineOnly()
    {
        byte[] before = [.. JournalText.Line(JournalText.Header(1)), .. JournalText.Line(Made("a"))];
        var line = JournalText.Line(Made("b"));
        var after = JournalText.Line(Made("c"));

        Assert.All(Enumerable.Range(0, line.Length - 1), at =>
        {
            byte[] bad = [.. line];
            bad[at] ^= 1;
            var state = Read([.. before, .. bad, .. after], out var damaged);
            Assert.Equal(["a", "c"], Ids(state).Except(["b"]));
            // A changed case of a hexadecimal digit is the same sum; a new line end is two damaged lines.
            Assert.True(damaged.Count > 0 || Ids(state).Contains("b"));
        });
    }

    [Theory]
    [InlineData("")]
    [InlineData("\n")]
    [InlineData("no journal at all\n")]
    [InlineData("00000000 {}\n")]
    public void SomethingElse_IsNoJournal(string text)
    {
        JournalText.Read(Encoding.UTF8.GetBytes(text), out var generation, out _);

        Assert.Equal(-1, generation);
    }

    [Fact]
    public void UnknownMembers_AreANewerVersions_AndIgnored()
    {
        var line = Value.Object(("object", Value.Object(("qom-type", Value.From("memory-backend-memfd")), ("id", Value.From("a")),
            ("colour", Value.From("blue")), ("properties", Value.From(new Members())))));

        Assert.True(new StoredState().Apply(line));
    }

    [Fact]
    public void OfSeveralJournals_TheLatestCounts()
    {
        var journals = new StoredJournals(NullLogger.Instance);
        journals.Add(Stored(3, Made("old")));
        journals.Add(Stored(5, Made("new")));
        journals.Add(Stored(4, Made("older")));
        var obsolete = new List<string>();

        var state = journals.Merge(obsolete);

        Assert.Equal(["new"], Ids(state));
        Assert.Equal(5, journals.InForce?.Generation);
        Assert.Equal(["state-3", "state-4"], obsolete.Order());
        Assert.False(journals.IsDamaged);
        journals.InForce!.Dispose();
    }

    [Fact]
    public void JournalThatWasPutAside_AddsWhatIsNotThere()
    {
        var journals = new StoredJournals(NullLogger.Instance);
        journals.Add(Stored(3, Made("a", "mem-1"), Made("b", "mem-2")));
        journals.Add(Stored(5, Made("b", "mem-9"), StoredState.QuarantinedLine("state-3"), StoredState.QuarantinedLine("mem-1"), StoredState.QuarantinedLine("mem-2")));

        var state = journals.Merge([]);

        Assert.Equal(["b", "a"], Ids(state));
        Assert.Equal("mem-9", state.Objects.First().Store);
        journals.InForce!.Dispose();
    }

    [Fact]
    public void Journal_GoesOnBehindItsLastWholeLine()
    {
        Assert.True(Journal.Create(1, [Made("a")], out var written).Ok);
        Assert.True(global::HostMemd.Linux.Files.PWrite(written!.File, written.Length, "0bad {\"obj"u8, out _).Ok);
        using var read = Journal.Open(written.File, out _, out _)!;

        Assert.True(read.Append(Made("b")).Ok);

        using var again = Journal.Open(written.File, out var state, out var damaged);
        Assert.Equal(["a", "b"], Ids(state));
        Assert.Empty(damaged);
    }

    /// <summary>
    /// Version 0.1.0 wrote the golden file. Its lines are read, and written again byte for byte, so that it could read what is written now.
    /// </summary>
    [Fact]
    public void Format_IsVersion1s_InBothDirections()
    {
        var lines = Sources.Read("tests/integration/Persistence/state-v1.journal").Split('\n', StringSplitOptions.RemoveEmptyEntries);
        var seen = new HashSet<string>();

        foreach (var line in lines[1..])
        {
            var state = Read(Encoding.UTF8.GetBytes($"{lines[0]}\n{line}\n"), out var damaged);
            Assert.Empty(damaged);
            var kind = line.Split('"')[1];
            var written = kind switch
            {
                "deleted" => StoredState.DeletedLine("vm2"),
                "unlease" => StoredState.LeaseEndedLine("map2"),
                _ => Assert.Single(state.Lines()),
            };
            Assert.Equal(line + "\n", Encoding.UTF8.GetString(JournalText.Line(written)));
            seen.Add(kind);
        }
        Assert.Equal(["deleted", "lease", "object", "unlease"], seen.Order());
    }

    [Fact]
    public void Quarantine_IsALineOfVersion1()
    {
        var state = Read([.. JournalText.Line(JournalText.Header(1)), .. JournalText.Line(Value.Object(("aside", Value.From("mem-7"))))], out var damaged);

        Assert.Empty(damaged);
        Assert.Equal(["mem-7"], state.Quarantined);
        Assert.Equal("{\"aside\": \"mem-7\"}", JsonWriter.ToText(Assert.Single(state.Lines())));
    }
}
