using System.Text;
using HostMemd.Backend.Qom;
using HostMemd.Keeping;
using HostMemd.Qapi;
using HostMemd.Systemd;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.Keeping;

public sealed class JournalTests
{
    static ObjectRecord Record(string id, string? store) => new(new("memory-backend-memfd", id, []), store, null, 0);

    static Value Made(string id, string? store = null) => KeptState.Line(Record(id, store));

    static string[] Ids(KeptState state) => [.. state.Objects.Select(o => o.Options.Id)];

    static PassedDescriptor Stored(long generation, params Value[] lines)
    {
        Assert.True(Journal.Create(generation, lines, out var journal).Ok);
        return new(Keeper.StateName(generation), journal!.File);
    }

    static KeptState Read(byte[] text, out IReadOnlyList<string> damaged) => JournalText.Read(text, out _, out damaged);

    [Fact]
    public void State_IsTheSumOfItsLines_InTheOrderOfMaking()
    {
        byte[] text = [.. JournalText.Line(JournalText.Header(7)), .. new[] { Made("b"), Made("a"), KeptState.Deleted("b"), Made("c"), Made("b"), Made("a", "mem-1") }
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
        byte[][] lines = [.. new[] { Made("a"), Made("b"), KeptState.Deleted("a") }.Select(JournalText.Line)];
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

        Assert.True(new KeptState().Apply(line));
    }

    [Fact]
    public void OfSeveralJournals_TheLatestCounts()
    {
        var journals = new KeptJournals(NullLogger.Instance);
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
        var journals = new KeptJournals(NullLogger.Instance);
        journals.Add(Stored(3, Made("a", "mem-1"), Made("b", "mem-2")));
        journals.Add(Stored(5, Made("b", "mem-9"), KeptState.PutAside("state-3"), KeptState.PutAside("mem-1"), KeptState.PutAside("mem-2")));

        var state = journals.Merge([]);

        Assert.Equal(["b", "a"], Ids(state));
        Assert.Equal("mem-9", state.Objects.First().Store);
        journals.InForce!.Dispose();
    }

    [Fact]
    public void Journal_GoesOnBehindItsLastWholeLine()
    {
        Assert.True(Journal.Create(1, [Made("a")], out var written).Ok);
        Assert.True(HostMemd.Linux.Files.PWrite(written!.File, written.Length, "0bad {\"obj"u8, out _).Ok);
        using var read = Journal.Open(written.File, out _, out _)!;

        Assert.True(read.Append(Made("b")).Ok);

        using var again = Journal.Open(written.File, out var state, out var damaged);
        Assert.Equal(["a", "b"], Ids(state));
        Assert.Empty(damaged);
    }
}
