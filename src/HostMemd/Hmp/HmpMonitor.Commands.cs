using static HostMemd.Hmp.ArgumentForm;

namespace HostMemd.Hmp;

// The table. A command of QEMU's that is missing here is unknown, as if QEMU had been built without it.
public sealed partial class HmpMonitor
{
    IReadOnlyList<HmpCommand> Commands() => Sorted(
        new("help|?", [new("name", Rest, Optional: true)], "[cmd]", "show the help",
            At(call => HelpPrinter.Print(_commands, call.Find("name") ?? "", call))),
        new("info", [], "[subcommand]", "show various information about the system state",
            At(call => HelpPrinter.Print(_commands, "info", call)))
        { Subcommands = InfoCommands() },
        new("object_add", [new("object", Rest)], "[qom-type=]type,id=str[,prop=value][,...]", "create QOM object", AddAsync),
        new("object_del", [new("id", Word)], "id", "destroy QOM object", call => _objects.DeleteAsync(call["id"])),
        new("qom-get", [new("path", Word), new("property", Word)], "path property", "print QOM property", At(Get)),
        new("qom-list", [new("path", Word, Optional: true)], "path", "list QOM properties", At(List)),
        new("qom-set", [new("json", Flag), new("path", Word), new("property", Word), new("value", Rest)],
            "[-j] path property value", "set QOM property.\n\t\t\t-j: the value is specified in json format.", SetAsync),
        new("quit|q", [], "", "quit the emulator", At(_ => Quit?.Invoke())));

    IReadOnlyList<HmpCommand> InfoCommands() => Sorted(
        new("memdev", [], "", "show memory backends", At(InfoMemdev)),
        new("qom-tree", [new("path", Word, Optional: true)], "[path]", "show QOM composition tree", At(InfoQomTree)),
        // There is no machine to pause. QEMU without a machine prints the same.
        new("status", [], "", "show the current VM status (running|paused)", At(call => call.Print("VM status: running\n"))),
        new("version", [], "", "show the version of QEMU", At(call => call.Print(_version + "\n"))));

    static IReadOnlyList<HmpCommand> Sorted(params HmpCommand[] rows) => [.. rows.OrderBy(r => r.Name, StringComparer.Ordinal)];

    static Func<HmpCall, ValueTask> At(Action<HmpCall> run) => call =>
    {
        run(call);
        return default;
    };
}
