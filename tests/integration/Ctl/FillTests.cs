using System.Text.RegularExpressions;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Ctl;

/// <summary>Filling as a person does it: with a bar, interrupted, in a pipe, in the background.</summary>
[Collection(nameof(Harness.Machine))]
public sealed partial class FillTests(ITestOutputHelper output) : CtlTest(output)
{
    const ulong Small = 64ul << 20;
    const long Large = 3L << 30;

    [Fact]
    public void Pipe_GetsOneLine()
    {
        Memfd("m", (long)Small);
        Assert.Matches(@"^m filled: 64M in \d+\.\d s\n$", Good("fill", "m"));
        Assert.Equal(Small, Resident("m"));
        Assert.Equal("", Good("jobs", "-q"));
        Assert.Equal("", Good("fill", "-q", "m"));
    }

    [FactIf(Need.Tmux)]
    public void Terminal_IsLeftWithOneLine()
    {
        Memfd("m", (long)Small);
        using var terminal = Terminal();
        terminal.Enter("clear; hostmemctl fill m; echo status $?");
        Assert.Matches(@"^m filled: 64M in \d+\.\d s\nstatus 0\n\$$", terminal.AwaitPrompt("status 0"));
        Assert.Equal(Small, Resident("m"));
    }

    [FactIf(Need.Tmux, Need.ThreeGiBFree)]
    public void Interrupt_CancelsTheFilling_AndSaysWhatWasKept()
    {
        Memfd("vm-build7", Large);
        using var terminal = Terminal();
        terminal.Enter("clear; hostmemctl fill -t 1 vm-build7; echo status $?");
        // Its bar, share, amount, rate and the time that is left.
        terminal.AwaitFit(s => Bar().IsMatch(s), "a bar");
        terminal.Press("C-c");
        var screen = terminal.Await("status 130");
        Assert.Matches(@"hostmemctl: vm-build7: cancelled at \S+ of 3G; nothing was kept", screen.ReplaceLineEndings(" "));
        Assert.Equal(0ul, Resident("vm-build7"));
        Assert.Equal("", Good("jobs", "-q"));
    }

    [GeneratedRegex(@"^vm-build7 ━+ +[1-9]\d?% \S+[MG]/3G  \S+[MG]/s ETA \d\d:\d\d$", RegexOptions.Multiline)]
    private static partial Regex Bar();

    [GeneratedRegex(@"[1-9]\d?% ")]
    private static partial Regex Share();

    [FactIf(Need.Tmux, Need.ThreeGiBFree)]
    public void AddThatIsInterrupted_MakesNothing()
    {
        using var terminal = Terminal();
        terminal.Enter("clear; hostmemctl add big memfd 3G --fill=1; echo status $?");
        terminal.AwaitFit(s => Share().IsMatch(s), "some progress");
        terminal.Press("C-c");
        Assert.Contains("hostmemctl: big: cancelled; nothing was made", terminal.Await("status 130").ReplaceLineEndings(" "),
            StringComparison.Ordinal);
        Assert.Equal("", Good("list", "-q"));
    }

    [FactIf(Need.ThreeGiBFree)]
    public void Background_IsListed_Paused_AndCancelledByTheObjectsName()
    {
        Memfd("m", Large);
        var job = Good("fill", "-t", "1", "--no-wait", "m").Trim();
        Assert.Matches(@"^ctl-\d+-m$", job);
        Good("pause", "m");
        var line = Good("jobs", "--no-legend").Split(' ', StringSplitOptions.RemoveEmptyEntries);
        Assert.Equal([job, "m", "paused"], line[..3]);
        Good("resume", job);
        Good("cancel", "m");
        Eventually.True(() => Good("jobs").Contains(" failed ", StringComparison.Ordinal), "the cancelled job's end");
        Assert.Equal((1, $"hostmemctl: {job}: Job '{job}' in state 'concluded' cannot accept command verb 'cancel'\n"),
            (Ctl("cancel", job).Status, Ctl("cancel", job).Error));
        Good("dismiss", job);
        Assert.Equal("hostmemctl: m: no such job, and no job fills an object of that name\n", Ctl("dismiss", "m").Error);
    }

    [Fact]
    public void Refusal_NamesTheObject_AndTheOthersAreFilled()
    {
        Memfd("m", (long)Small);
        Connect().Ok("object-add", new() { ["qom-type"] = "memory-backend-ram", ["id"] = "n", ["size"] = 4096, ["reserve"] = false });
        var outcome = Ctl("fill", "nosuch", "n", "m");
        Assert.Equal(1, outcome.Status);
        Assert.Equal("hostmemctl: nosuch: object 'nosuch' not found\nhostmemctl: n: 'prealloc=on' and 'reserve=off' are incompatible\n",
            outcome.Error);
        Assert.Equal(Small, Resident("m"));
    }
}
