namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary><c>help</c> and <c>info</c>, alone and with a topic. The rows are QEMU 11.1's; those that we have not are left out.</summary>
public class HelpTests
{
    const string H0 = "object_add memory-backend-ram,id=h0,size=1M";

    [Theory]
    [InlineData("help object_add", "object_add [qom-type=]type,id=str[,prop=value][,...] -- create QOM object\r\n")]
    [InlineData("help object_del", "object_del id -- destroy QOM object\r\n")]
    [InlineData("help qom-get", "qom-get path property -- print QOM property\r\n")]
    [InlineData("help qom-list", "qom-list path -- list QOM properties\r\n")]
    [InlineData("help qom-set",
        "qom-set [-j] path property value -- set QOM property.\r\n\t\t\t-j: the value is specified in json format.\r\n")]
    [InlineData("help quit", "quit|q  -- quit the emulator\r\n")]
    [InlineData("help q", "quit|q  -- quit the emulator\r\n")]
    [InlineData("help help", "help|? [cmd] -- show the help\r\n")]
    [InlineData("? ?", "help|? [cmd] -- show the help\r\n")]
    [InlineData("help info memdev", "info memdev  -- show memory backends\r\n")]
    [InlineData("help info qom-tree", "info qom-tree [path] -- show QOM composition tree\r\n")]
    [InlineData("help info status", "info status  -- show the current VM status (running|paused)\r\n")]
    [InlineData("help info version", "info version  -- show the version of QEMU\r\n")]
    [InlineData("help \"object_add\"", "object_add [qom-type=]type,id=str[,prop=value][,...] -- create QOM object\r\n")]
    [InlineData("help \"info\" memdev", "info memdev  -- show memory backends\r\n")]
    public async Task Help_OfACommand_IsItsRow(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Theory]
    [InlineData("help object_add x", "object_add [qom-type=]type,id=str[,prop=value][,...] -- create QOM object\r\n")]
    [InlineData("help quit help", "quit|q  -- quit the emulator\r\n")]
    [InlineData("help info memdev x", "info memdev  -- show memory backends\r\n")]
    [InlineData("help \"object_add\"x", "object_add [qom-type=]type,id=str[,prop=value][,...] -- create QOM object\r\n")]
    [InlineData("help info \"memdev\"x", "info memdev  -- show memory backends\r\n")]
    public async Task Help_LooksNoFurtherThanItMust(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Theory]
    [InlineData("help foo", "unknown command: 'foo'\r\n")]
    [InlineData("help info foo", "unknown command: 'info foo'\r\n")]
    [InlineData("help info foo x", "unknown command: 'info foo'\r\n")]
    [InlineData("help \"foo bar\"", "unknown command: 'foo bar'\r\n")]
    [InlineData("help \"\"", "unknown command: ''\r\n")]
    [InlineData("help 'quit'", "unknown command: ''quit''\r\n")]
    [InlineData("help a b c d e f g h i j k l m n o p", "unknown command: 'a'\r\n")]
    public async Task Help_OfNothing_SaysSo(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Theory]
    [InlineData("help \"info", "")]
    [InlineData("help \"a\\x\"", "")]
    [InlineData("help a b c d e f g h i j k l m n o p q", "")]
    public async Task Help_ThatCannotBeRead_IsSilent(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Fact]
    public async Task Help_Alone_ListsAllCommands() => Assert.Equal(
        """
        help|? [cmd] -- show the help
        info [subcommand] -- show various information about the system state
        object_add [qom-type=]type,id=str[,prop=value][,...] -- create QOM object
        object_del id -- destroy QOM object
        qom-get path property -- print QOM property
        qom-list path -- list QOM properties
        qom-set [-j] path property value -- set QOM property.
        \t\t\t-j: the value is specified in json format.
        quit|q  -- quit the emulator

        """.Replace("\\t", "\t", StringComparison.Ordinal).ReplaceLineEndings("\r\n"), await new TestMonitor().RunAsync("help"));

    [Theory]
    [InlineData("info")]
    [InlineData("help info")]
    [InlineData("? \"info\"")]
    public async Task Info_Alone_ListsWhatThereIs(string line) => Assert.Equal(
        """
        info memdev  -- show memory backends
        info qom-tree [path] -- show QOM composition tree
        info status  -- show the current VM status (running|paused)
        info version  -- show the version of QEMU

        """.ReplaceLineEndings("\r\n"), await new TestMonitor().RunAsync(line));

    // qmp-shell -H splits the output of "help" and of "info" into words, and takes the first or the second for a command.
    [Theory]
    [InlineData("help", 0)]
    [InlineData("info", 1)]
    public async Task Help_IsWhatQmpShellCompletesFrom(string line, int word)
    {
        var rows = (await new TestMonitor().RunAsync(line)).Split("\r\n").Where(r => r.Length > 0 && r[0] is not ('[' or '\t'));
        Assert.All(rows, r => Assert.Matches("^[a-z_?|-]+$", r.Split(' ', StringSplitOptions.RemoveEmptyEntries)[word]));
    }
}
