using System.Text.Json;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Ctl;

/// <summary>The list of the memory: as a screen, in a pipe, as JSON.</summary>
public sealed class ListTests(ITestOutputHelper output) : CtlTest(output)
{
    void Three()
    {
        Memfd("vm-web01", 1L << 30);
        Memfd("vm-db01", 3L << 29);
        Connect().Ok("object-add", new() { ["qom-type"] = "memory-backend-ram", ["id"] = "scratch", ["size"] = 4096 });
    }

    [FactIf(Need.Tmux)]
    public void Screen_HasBars_AndASum()
    {
        Three();
        using var terminal = Terminal();
        terminal.Enter("clear; hostmemctl list");
        Assert.Equal("""
            ID        KIND   SIZE  RESIDENT  FILLED           PAGE  NODES  HELD
            vm-web01  memfd    1G        0B  ░░░░░░░░░░   0%    4K  any       -
            vm-db01   memfd  1.5G        0B  ░░░░░░░░░░   0%    4K  any       -
            scratch   ram      4K        0B  ░░░░░░░░░░   0%    4K  any       -

            3 listed, 2.5G in all, 0B resident.
            $
            """, terminal.AwaitPrompt("listed"));
    }

    [FactIf(Need.Tmux)]
    public void NarrowScreen_LosesColumns_AndSaysWhich()
    {
        Three();
        using var terminal = Terminal(width: 40);
        terminal.Enter("clear; hostmemctl list");
        Assert.Equal("""
            ID        KIND   SIZE  RESIDENT  HELD
            vm-web01  memfd    1G        0B     -
            vm-db01   memfd  1.5G        0B     -
            scratch   ram      4K        0B     -

            3 listed, 2.5G in all, 0B resident.
            No room for FILLED, PAGE, NODES.
            $
            """, terminal.AwaitPrompt("No room"));
    }

    [FactIf(Need.Tmux)]
    public void NoMemory_SaysHowToMakeSome()
    {
        using var terminal = Terminal();
        terminal.Enter("clear; hostmemctl list");
        Assert.Equal("""
            ID  KIND  SIZE  RESIDENT  FILLED  PAGE  NODES  HELD
            No memory. 'hostmemctl add ID memfd 1G' makes some.
            $
            """, terminal.AwaitPrompt("makes some"));
    }

    [FactIf(Need.Tmux)]
    public void Headings_AreBold_UnlessNoColorIsWanted()
    {
        Three();
        using var terminal = Terminal();
        terminal.Enter("clear; hostmemctl list");
        terminal.AwaitPrompt("listed");
        Assert.Contains("\e[1mID", terminal.ScreenWithEscapes, StringComparison.Ordinal);
        terminal.Enter("clear; NO_COLOR=1 hostmemctl list; echo done");
        terminal.AwaitPrompt("done");
        Assert.DoesNotContain("\e[1m", terminal.ScreenWithEscapes, StringComparison.Ordinal);
        terminal.Enter("clear; hostmemctl --color never list; echo done");
        terminal.AwaitPrompt("done");
        Assert.DoesNotContain("\e[1m", terminal.ScreenWithEscapes, StringComparison.Ordinal);
    }

    [FactIf(Need.Tmux)]
    public void TerminalWithoutUtf8_GetsAscii()
    {
        Three();
        using var terminal = Terminal();
        terminal.Enter("clear; LC_ALL=C hostmemctl list scratch");
        Assert.Contains("..........   0%", terminal.AwaitPrompt("listed"), StringComparison.Ordinal);
    }

    [Fact]
    public void Pipe_GetsNoEscapes_NoBlanksAtTheEnd_AndWholeLines()
    {
        var longId = "vm-" + new string('x', 200);
        Memfd(longId, 1L << 30);
        var text = Good("list");
        Assert.DoesNotContain('\e', text);
        Assert.All(text.TrimEnd('\n').Split('\n'), line => Assert.Equal(line.TrimEnd(), line));
        Assert.Equal(["ID", "KIND", "SIZE", "RESIDENT", "FILLED", "PAGE", "NODES", "HELD"],
            text.Split('\n')[0].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal([longId, "memfd", "1G", "0B", "0%", "4K", "any", "-"],
            text.Split('\n')[1].Split(' ', StringSplitOptions.RemoveEmptyEntries));
        Assert.Equal("", text.Split('\n')[2]);
        Assert.StartsWith("\e[1mID", Good("--color", "always", "list"), StringComparison.Ordinal);
    }

    [Fact]
    public void Choice_IsByPattern_Kind_AndColumns()
    {
        Three();
        Assert.Equal("vm-web01\nvm-db01\n", Good("list", "-q", "vm-*"));
        Assert.Equal("scratch\n", Good("ls", "-o", "id", "--kind", "ram"));
        Assert.Equal("scratch  4096\n", Good("list", "-b", "--no-legend", "-O", "id,size", "scr*"));
        Assert.Equal("HELD BY\n-\n", Good("list", "-O", "held-by", "scratch"));
        Assert.Equal("", Good("list", "-q", "nothing*"));
    }

    [Fact]
    public void MissingId_IsAMistake_WithAGuess()
    {
        Three();
        var outcome = Ctl("list", "vm-web1", "zzz", "vm-db01");
        Assert.Equal(1, outcome.Status);
        Assert.Equal("hostmemctl: vm-web1: no such memory; did you mean 'vm-web01'?\nhostmemctl: zzz: no such memory\n", outcome.Error);
        Assert.Equal(2, outcome.Lines.Length);
        Assert.Equal("hostmemctl: unknown column 'SIZ'; did you mean 'SIZE'?\n", Ctl("list", "-O", "ID,SIZ").Error);
    }

    [Fact]
    public void Json_JoinsBothReturns()
    {
        Three();
        using var client = Daemon.Connect();
        var stats = client.Ok("query-memdev-stats").EnumerateArray().Single(s => s.GetProperty("id").GetString() == "vm-db01");
        var memdev = client.Ok("query-memdev").EnumerateArray().Single(s => s.GetProperty("id").GetString() == "vm-db01");

        var one = JsonDocument.Parse(Good("list", "-o", "json", "vm-db*")).RootElement.EnumerateArray().Single();

        Assert.All(stats.EnumerateObject(), m => Assert.Equal(m.Value.GetRawText(), one.GetProperty(m.Name).GetRawText()));
        Assert.All(memdev.EnumerateObject().Where(m => !stats.TryGetProperty(m.Name, out _)), m =>
            Assert.Equal(m.Value.GetRawText(), one.GetProperty(m.Name).GetRawText()));
        Assert.Equal(stats.EnumerateObject().Concat(memdev.EnumerateObject()).Select(m => m.Name).Distinct().Order(), one.EnumerateObject()
            .Select(m => m.Name).Order());
    }

    [FactIf(Need.Python3)]
    public void Wide_NamesTheHolders()
    {
        Three();
        using var holder = new HeldMemory(this, "vm-web01");
        var line = Good("list", "-o", "wide", "vm-web01").Split('\n')[1];
        Assert.EndsWith($"  {holder.Name}", line, StringComparison.Ordinal);
        Assert.Equal("1", Good("list", "--no-legend", "-O", "held", "vm-web01").Trim());
    }

    [FactIf(Need.Python3)]
    public void Show_HasEverything()
    {
        Three();
        using var holder = new HeldMemory(this, "vm-web01");
        var text = Good("show", "vm-web01");
        Assert.StartsWith("vm-web01 memfd\n", text, StringComparison.Ordinal);
        Assert.Contains("\n       Size: 1G in pages of 4K\n", text, StringComparison.Ordinal);
        Assert.Contains("\n      Merge: no: shared memory is not merged\n", text, StringComparison.Ordinal);
        Assert.Contains($"\n    Held by: {holder.Name} (lease map1), reads and writes, for ", text, StringComparison.Ordinal);
        Assert.Contains(" share=on\n", text, StringComparison.Ordinal);
        var json = JsonDocument.Parse(Good("show", "-o", "json", "vm-web01", "scratch")).RootElement;
        Assert.Equal(["vm-web01", "scratch"], json.EnumerateArray().Select(o => o.GetProperty("id").GetString()));
        Assert.Equal(1L << 30, json[0].GetProperty("properties").GetProperty("size").GetInt64());
        Assert.Equal("map1", json[0].GetProperty("mappings")[0].GetProperty("mapping").GetString());
        var missing = Ctl("show", "vm-web1");
        Assert.Equal((1, "hostmemctl: vm-web1: no such object; did you mean 'vm-web01'?\n"), (missing.Status, missing.Error));
    }

    /// <summary>Thousands of objects are one list; each takes two mappings, of which a machine may allow few.</summary>
    [Fact]
    public void ManyObjects_AreListed()
    {
        const int Count = 4_000;
        using (var client = Daemon.Connect())
        {
            for (var i = 0; i < Count; i++)
                client.Ok("object-add", new() { ["qom-type"] = "memory-backend-ram", ["id"] = $"m{i}", ["size"] = 4096 });
        }
        Assert.Equal(Count, Good("list", "-q").Split('\n').Length - 1);
        Assert.Equal(Count + 1, Good("list").Split('\n').Length - 1);
    }
}
