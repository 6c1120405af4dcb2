using HostMemd.Qapi;

namespace HostMemd.Config;

// The options that name sockets.
static partial class OptionTable
{
    static OptionRow ChardevRow() => new()
    {
        Name = "chardev",
        Argument = "socket,id=ID,path=PATH,server=on,wait=off",
        IsRepeatable = true,
        Help = ["name a socket for --monitor"],
        Doc = "QEMU's long form of `--qmp`, first half: names a socket. It serves nothing until a `--monitor` uses the id.",
        Example = "socket,id=c,path=/run/hostmemd/people.sock,server=on,wait=off",
        Take = TakeChardev,
    };

    static OptionRow MonitorRow() => new()
    {
        Name = "monitor",
        Argument = "chardev=ID[,mode=control][,pretty=on|off]",
        IsRepeatable = true,
        Help = ["serve QMP on the socket of that name"],
        Doc = "Second half: serves QMP on the socket of that name; `pretty=on` indents replies for people. `mode=readline` is refused: "
            + "the human monitor is `human-monitor-command`.",
        Example = "chardev=c,mode=control,pretty=on",
        Take = TakeMonitor,
        Drop = DropSockets,
    };

    static OptionRow Serve(SocketProtocol protocol) => new()
    {
        Name = protocol.Name,
        Argument = "unix:PATH[,server=on][,wait=off][,abstract=on[,tight=off]]",
        IsRepeatable = true,
        Help = [$"serve {protocol.Title} on that socket; repeatable", "unix:@NAME: an abstract socket, which is no file"],
        Doc = $"Serves {protocol.Title} on a Unix socket. A path that is too long (108 bytes) or in use ends the start. "
            + "`unix:@NAME` is the abstract socket of that name. Sockets of the command line replace those of the file.",
        Default = "see [sockets](#sockets)",
        Example = $"unix:/run/hostmemd/{protocol.Name}.sock",
        Take = (options, text) => Warned(options, $"--{protocol.Name}", SocketText.Split(text)) with
        {
            Sockets = [.. options.Sockets, SocketText.ReadAddress(text) with { Protocol = protocol }],
        },
        Drop = DropSockets,
        Keys = protocol == SocketProtocol.Qmp ? [SocketsKey()] : [],
    };

    static HostMemdOptions DropSockets(HostMemdOptions options) => options with { Sockets = [] };

    static HostMemdOptions TakeChardev(HostMemdOptions options, string text)
    {
        var chardev = SocketText.ReadChardev(text);
        return options.Chardevs.Any(c => c.Id == chardev.Id)
            ? throw new StartException($"Duplicate ID '{chardev.Id}' for chardev")
            : Warned(options, "--chardev", OptsText.Split(text, "backend")) with { Chardevs = [.. options.Chardevs, chardev] };
    }

    static HostMemdOptions TakeMonitor(HostMemdOptions options, string text)
    {
        var (id, pretty) = SocketText.ReadMonitor(text);
        var named = options.Chardevs.FirstOrDefault(c => c.Id == id) ?? throw new StartException($"chardev \"{id}\" not found");
        if (named.IsUsed)
            throw new StartException($"Device '{id}' is in use");
        return options with
        {
            Chardevs = [.. options.Chardevs.Select(c => c == named ? named with { IsUsed = true } : c)],
            Sockets = [.. options.Sockets, named.Socket with { Pretty = pretty }],
        };
    }

    static SettingKey<HostMemdOptions> SocketsKey() => new()
    {
        Path = "Sockets",
        Form = "list of paths and objects",
        DefaultText = "`$RUNTIME_DIRECTORY/qmp.sock`, else as root `/run/hostmemd/qmp.sock`, else `$XDG_RUNTIME_DIR/hostmemd/qmp.sock`",
        Example = """[ "/run/hostmemd/qmp.sock", { "Path": "/run/hostmemd/people.sock", "Pretty": true } ]""",
        Doc = "The sockets to listen on. `\"@NAME\"` is the abstract socket of that name, which is no file. The daemon serves a path "
            + "that systemd passed a socket of once. The default holds when neither file, command line nor systemd has a socket.",
        Members = SocketEntry.Keys,
        Read = (options, section, name) => section.List(name) is { } items
            ? options with { Sockets = [.. items.Select((item, index) => ReadSocket(section, $"{name}[{index}]", item))] }
            : options,
    };

    static SocketOptions ReadSocket(ConfigSection section, string name, Value item) =>
        item.TryString(out var alone) && alone.Length > 0 ? SocketOptions.Read(alone, pretty: false, null, null)
        : item.TryObject(out var members) ? ConfigFile.Take(section.Entry(name, members), "Sockets[].", SocketEntry.Keys, new()).ToOptions()
        : throw section.Wrong(name, "is neither a path nor an object");
}
