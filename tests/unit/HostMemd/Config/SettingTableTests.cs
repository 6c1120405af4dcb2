using HostMemd.Config;

namespace HostMemd.Unit.HostMemd.Config;

/// <summary>What the rows promise of keys and options holds: examples are accepted and do something, defaults change nothing.</summary>
public class SettingTableTests
{
    public static TheoryData<string> Keys => [.. SettingTable.All.Select(key => key.Path)];

    public static TheoryData<string> Defaults =>
        [.. SettingTable.All.Where(key => key.Default is not (null or "[]" or "{}")).Select(key => key.Path)];

    public static TheoryData<string> Options =>
        [.. OptionTable.All.Where(option => option.Example is not null).Select(option => option.Name)];

    static SettingKey Find(string path) => SettingTable.All.First(key => key.Path == path);

    [Theory]
    [MemberData(nameof(Keys))]
    public void Example_IsAccepted_AndChangesSomething(string path) =>
        Assert.NotEqual(Flat(Read(path, null)), Flat(Read(path, Find(path).Example)));

    [Theory]
    [MemberData(nameof(Defaults))]
    public void Default_IsWhatHoldsWithoutTheKey(string path) => Assert.Equal(Flat(Read(path, null)), Flat(Read(path, Find(path).Default)));

    [Fact]
    public void Members_AreAccepted() => Assert.All(SettingTable.All.Where(key => key.Members.Count > 0), key =>
    {
        var members = key.Members.Select(member => $"\"{member.Name}\": {member.Example}");
        ConfigFileTests.Parse($"{{ \"{key.Name}\": [ {{ {string.Join(", ", members)} }} ] }}");
    });

    [Theory]
    [MemberData(nameof(Options))]
    public void OptionsExample_IsAccepted_AndChangesSomething(string name)
    {
        // A monitor needs its chardev, a chardev its monitor.
        string[] names = name is "chardev" or "monitor" ? ["chardev", "monitor"] : [name];
        var rows = OptionTable.All.Where(option => names.Contains(option.Name));

        var options = CommandLine.Parse([.. rows.SelectMany(option => (string[])[$"--{option.Name}", option.Example!])]).ApplyTo(new());

        Assert.NotEqual(Flat(new()), Flat(options));
    }

    [Fact]
    public void Option_HasAnExample_IfItHasAnArgument() =>
        Assert.All(OptionTable.All, option => Assert.Equal(option.Argument is null, option.Example is null));

    [Fact]
    public void Texts_AreSentences()
    {
        var texts = SettingTable.All.SelectMany(key => key.Members.Prepend(key)).Select(key => key.Doc)
            .Concat(OptionTable.All.Select(option => option.Doc))
            .Concat(LimitTable.All.SelectMany(limit => (string[])[limit.Doc, limit.Why]))
            .Concat(SettingTable.Sections.Select(section => section.Doc));

        Assert.All(texts, text => Assert.EndsWith(".", text, StringComparison.Ordinal));
    }

    [Fact]
    public void EveryProtocol_HasItsOptionAndItsNameInTheFile() => Assert.All(SocketProtocol.All, protocol =>
    {
        var line = CommandLine.Parse([$"--{protocol.Name}", "unix:/s"]).ApplyTo(new());
        var file = ConfigFileTests.Parse($"{{'Sockets':[{{'Path':'/s','Protocol':'{protocol.Name}'}}]}}");

        Assert.Equal([new SocketOptions("/s") { Protocol = protocol }], line.Sockets);
        Assert.Equal(line.Sockets, file.Sockets);
    });

    // The key alone, beside those that its section cannot be without.
    static HostMemdOptions Read(string path, string? value)
    {
        var key = Find(path);
        var entries = SettingTable.All.Where(k => k.IsRequired && k.Section == key.Section && k.Path != path)
            .Select(k => (k.Name, Text: k.Example))
            .Concat(value is null ? [] : [(key.Name, Text: value)]).ToArray();
        // A section without what it needs cannot be there.
        var text = entries.Length == 0 ? "" : string.Join(", ", entries.Select(e => $"\"{e.Name}\": {e.Text}"));
        if (text.Length > 0 && key.Section.Length > 0)
            text = key.Section.Split('.').Reverse().Aggregate(text, (inner, name) => $"\"{name}\": {{ {inner} }}");
        return ConfigFileTests.Parse($"{{ {text} }}");
    }

    // Records print lists as their type.
    static string Flat(HostMemdOptions options) => string.Join('\n',
        options with { Sockets = [], Objects = [], Machine = options.Machine with { Globals = [] } },
        string.Join(' ', options.Sockets), string.Join(' ', options.Objects), string.Join(' ', options.Machine.Globals),
        string.Join(' ', LimitTable.All.Select(limit => options.Limits[limit.Name])),
        string.Join(' ', options.Access.AdminUids), string.Join(' ', options.Access.AdminGids),
        string.Join(' ', options.Access.ObserverUids),
        string.Join(' ', options.Access.ObserverGids), string.Join(' ', options.Access.MemPaths), string.Join(' ', options.Log.Areas));
}
