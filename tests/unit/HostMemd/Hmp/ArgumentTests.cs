namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary>How a line is taken apart. The expectations are QEMU 11.1's.</summary>
public class ArgumentTests
{
    const string H0 = "object_add memory-backend-ram,id=h0,size=1M";

    [Theory]
    [InlineData("foo", "unknown command: 'foo'\r\n")]
    [InlineData("foo bar", "unknown command: 'foo'\r\n")]
    [InlineData("  foo", "unknown command: '  foo'\r\n")]
    [InlineData("foo/bar", "unknown command: 'foo'\r\n")]
    [InlineData("/foo", "unknown command: ''\r\n")]
    [InlineData("help/foo", "unknown command: '/foo'\r\n")]
    [InlineData("info foo", "unknown command: 'info foo'\r\n")]
    [InlineData("info  foo bar", "unknown command: 'info  foo'\r\n")]
    [InlineData("\tinfo\t\tfoo", "unknown command: '\tinfo\t\tfoo'\r\n")]
    [InlineData("info /foo", "unknown command: 'info '\r\n")]
    [InlineData("info/1 memdev", "unknown command: 'info'\r\n")]
    [InlineData("\"help\"", "unknown command: '\"help\"'\r\n")]
    [InlineData("\u00E9 x", "unknown command: '\u00E9'\r\n")]
    [InlineData("h", "unknown command: 'h'\r\n")]
    public async Task Command_Unknown_IsShownAsTyped(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Theory]
    [InlineData("object_add", "object_add: string expected\r\nTry \"help object_add\" for more information\r\n")]
    [InlineData("object_add  ", "object_add: string expected\r\nTry \"help object_add\" for more information\r\n")]
    [InlineData("object_del", "object_del: string expected\r\nTry \"help object_del\" for more information\r\n")]
    [InlineData("  object_del \n", "object_del: string expected\r\nTry \"help   object_del\" for more information\r\n")]
    [InlineData("object_del a b",
        "object_del: extraneous characters at the end of line\r\nTry \"help object_del\" for more information\r\n")]
    [InlineData("object_del \"a\"b",
        "object_del: extraneous characters at the end of line\r\nTry \"help object_del\" for more information\r\n")]
    [InlineData(" object_del  a b ",
        "object_del: extraneous characters at the end of line\r\nTry \"help  object_del\" for more information\r\n")]
    [InlineData("object_del \"a", "object_del: string expected\r\nTry \"help object_del\" for more information\r\n")]
    [InlineData("object_del \"\\q\"", "object_del: string expected\r\nTry \"help object_del\" for more information\r\n")]
    [InlineData("qom-get", "qom-get: string expected\r\nTry \"help qom-get\" for more information\r\n")]
    [InlineData("qom-get /", "qom-get: string expected\r\nTry \"help qom-get\" for more information\r\n")]
    [InlineData("qom-get / type x", "qom-get: extraneous characters at the end of line\r\nTry \"help qom-get\" for more information\r\n")]
    [InlineData("qom-get \"/", "qom-get: string expected\r\nTry \"help qom-get\" for more information\r\n")]
    [InlineData("qom-list / x", "qom-list: extraneous characters at the end of line\r\nTry \"help qom-list\" for more information\r\n")]
    [InlineData("qom-set / type", "qom-set: string expected\r\nTry \"help qom-set\" for more information\r\n")]
    [InlineData("qom-set -j / type", "qom-set: string expected\r\nTry \"help qom-set\" for more information\r\n")]
    [InlineData("qom-set -x / type x", "qom-set: unsupported option -x\r\nTry \"help qom-set\" for more information\r\n")]
    [InlineData("qom-set - / type x", "qom-set: unsupported option - \r\nTry \"help qom-set\" for more information\r\n")]
    [InlineData("qom-set -", "qom-set: unsupported option -Try \"help qom-set\" for more information\r\n")]
    [InlineData("qom-set -\u00E9 / type x", "qom-set: unsupported option -\uFFFD\r\nTry \"help qom-set\" for more information\r\n")]
    [InlineData("info memdev x", "memdev: extraneous characters at the end of line\r\nTry \"help info memdev\" for more information\r\n")]
    [InlineData(" info   memdev x ",
        "memdev: extraneous characters at the end of line\r\nTry \"help  info   memdev\" for more information\r\n")]
    [InlineData("info qom-tree / x",
        "qom-tree: extraneous characters at the end of line\r\nTry \"help info qom-tree\" for more information\r\n")]
    [InlineData("info qom-tree \"", "qom-tree: string expected\r\nTry \"help info qom-tree\" for more information\r\n")]
    [InlineData("quit x", "quit|q: extraneous characters at the end of line\r\nTry \"help quit\" for more information\r\n")]
    [InlineData("q x", "quit|q: extraneous characters at the end of line\r\nTry \"help q\" for more information\r\n")]
    public async Task Arguments_ThatDoNotFit_AreComplainedAboutWithTheLineAsTyped(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Theory]
    [InlineData("object_del \"a b\"", "Error: object 'a b' not found\r\n")]
    [InlineData("object_del \"a\\n\\\"\\\\\\'b\"", "Error: object 'a\r\n\"\\'b' not found\r\n")]
    [InlineData("object_del 'a'", "Error: object ''a'' not found\r\n")]
    [InlineData("object_del a\"b", "Error: object 'a\"b' not found\r\n")]
    [InlineData("object_del\ta\n", "Error: object 'a' not found\r\n")]
    [InlineData("object_del a\\nb", "Error: object 'a\\nb' not found\r\n")]
    [InlineData("object_del /nope", "Error: object '/nope' not found\r\n")]
    [InlineData("object_del/nope", "Error: object '/nope' not found\r\n")]
    [InlineData("qom-get \"/\"type", "\"container\"\r\n")]
    [InlineData("qom-get \"/\" \"type\" ", "\"container\"\r\n")]
    [InlineData("qom-get\t/\ttype", "\"container\"\r\n")]
    [InlineData("qom-list \"\"", "Error: Path '' is ambiguous\r\n")]
    [InlineData("qom-get \"\" type", "Error: Device '' not found\r\n")]
    [InlineData("qom-set \"/\"type x", "Error: Property 'container.type' is not writable\r\n")]
    [InlineData("qom-set / type \"x", "Error: Property 'container.type' is not writable\r\n")]
    [InlineData("qom-set / -j x", "Error: Property 'container.-j' not found\r\n")]
    [InlineData("qom-set -j/ type 1", "Error: Property 'container.type' is not writable\r\n")]
    [InlineData("qom-set -jx / type", "Error: 1:1: JSON parse error, invalid keyword 'type'\r\n")]
    [InlineData("qom-set -j -j / 1", "Error: Device '-j' not found\r\n")]
    [InlineData("qom-get -x type", "Error: Device '-x' not found\r\n")]
    [InlineData("qom-list -x", "Error: Device '-x' not found\r\n")]
    public async Task Words_AreReadAsQemuReadsThem(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));

    [Theory]
    [InlineData("", "")]
    [InlineData(" ", "")]
    [InlineData("\n", "")]
    [InlineData("\t\v\r", "")]
    public async Task Line_OfBlanks_IsSilent(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(H0, line));
}
