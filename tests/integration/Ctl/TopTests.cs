using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Ctl;

/// <summary>The live screen.</summary>
public sealed class TopTests(ITestOutputHelper output) : CtlTest(output)
{
    [Fact]
    public void Batch_PrintsListAfterList()
    {
        Memfd("m", 4096);
        var text = Good("top", "-b", "-n", "2", "-d", "0.1");
        Assert.DoesNotContain('\e', text);
        Assert.Equal(2, text.Split("ID  SIZE  RESIDENT  CHANGE  SWAPPED  HELD\nm     4K        0B       -       0B     0\n\n").Length - 1);
    }

    [FactIf(Need.Tmux)]
    public void Screen_TakesKeys_AndAnotherSize_AndLeavesTheTerminalAsItWas()
    {
        Memfd("aa", 8192);
        Memfd("zz", 1 << 20);
        using var terminal = Terminal();
        terminal.Enter("clear; echo before; hostmemctl top -d 60; echo status $?");
        var screen = terminal.Await("by CHANGE");
        Assert.Equal(["ID  SIZE  RESIDENT  CHANGE  SWAPPED  HELD", "aa    8K        0B       -       0B     0",
            "zz    1M        0B       -       0B     0"], screen.Split('\n')[2..]);
        terminal.Press("z");
        terminal.AwaitFit(s => s.Contains("by SIZE", StringComparison.Ordinal)
            && s.Split('\n')[3].StartsWith("zz ", StringComparison.Ordinal), "the larger one first");
        terminal.Resize(30, 8);
        terminal.AwaitFit(s => s.Contains("RESIDENT", StringComparison.Ordinal) && !s.Contains("HELD", StringComparison.Ordinal),
            "fewer columns");
        terminal.Press("q");
        screen = terminal.Await("status 0");
        Assert.Contains("before", screen, StringComparison.Ordinal);
        Assert.DoesNotContain("RESIDENT", screen, StringComparison.Ordinal);
        terminal.Enter("clear; hostmemctl top; echo status $?");
        terminal.Await("CHANGE");
        terminal.Press("C-c");
        terminal.Await("status 0");
        // What is typed is seen again.
        terminal.Enter("echo visible");
        terminal.Await("echo visible");
    }
}
