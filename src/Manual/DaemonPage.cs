using HostMemd.Config;

namespace HostMemd.Manual;

/// <summary>hostmemd(8), from the rows of the command line.</summary>
static class DaemonPage
{
    static readonly (string Name, string Meaning)[] s_signals =
    [
        ("SIGTERM, SIGINT", "Answers what was received, releases the memory, and ends with status 0. What systemd's descriptor store keeps stays."),
        ("SIGHUP", "Reads the configuration file again: limits, access and log levels."),
    ];

    static readonly (string Path, string Meaning)[] s_files =
    [
        ("/etc/hostmemd/hostmemd.json", "The configuration: see hostmemd.json(5)."),
        ("/run/hostmemd/qmp.sock", "The QMP socket of the system's daemon."),
        ("$XDG_RUNTIME_DIR/hostmemd/qmp.sock", "That of a daemon that another user than root starts."),
    ];

    static readonly (string Name, string Meaning)[] s_variables =
    [
        ("RUNTIME_DIRECTORY", "Where the socket is made if no option names one; systemd sets it."),
        ("LISTEN_FDS, LISTEN_PID, LISTEN_FDNAMES", "Sockets and kept memory that systemd passes: sd_listen_fds(3)."),
        ("NOTIFY_SOCKET, WATCHDOG_USEC", "Where the state goes, and how often: sd_notify(3)."),
    ];

    public static string Write()
    {
        var page = new Mdoc("hostmemd", 8, "own the memory of virtual machines");
        page.Section("SYNOPSIS");
        page.Macro("Nm");
        page.Macro("Op Ar option ...");
        page.Section("DESCRIPTION");
        page.Macro("Nm");
        page.Text("makes, fills, places, lends and deletes what QEMU calls host memory backends, and speaks QMP about them on Unix sockets.");
        page.Text("Memory outlives the guests that use it, and under systemd the daemon itself.");
        page.Text("It is restarted, never stopped and started: a stop gives the memory back.");
        page.Paragraph();
        page.Text("Root and the daemon's own user may give all commands; other clients that can open the socket may only ask, unless the configuration says otherwise.");
        page.Section("OPTIONS");
        page.Text("Names may be cut short as long as they are unambiguous. The command line wins over the configuration file.");
        page.List(OptionTable.All, Term, option => page.Text(option.Doc + (option.IsRepeatable ? " May be repeated." : "")
            + (option.Default is { } value ? $" Without it: {value}." : "")));
        page.Section("SIGNALS");
        page.List(s_signals, s => "Dv " + string.Join(" , ", s.Name.Split(", ")), s => page.Text(s.Meaning));
        page.Section("ENVIRONMENT");
        page.List(s_variables, v => "Ev " + string.Join(" , ", v.Name.Split(", ")), v => page.Text(v.Meaning));
        page.Section("FILES");
        page.List(s_files, f => "Pa " + Mdoc.Argument(f.Path), f => page.Text(f.Meaning));
        page.Section("EXIT STATUS");
        page.Text("0 after a signal or the command quit, 1 if it could not start; the reason is one line on standard error.");
        page.Section("SEE ALSO");
        page.Macro("Xr hostmemctl 1 ,");
        page.Macro("Xr hostmemd.json 5 ,");
        page.Macro("Xr hostmemd\\-qmp 7");
        return page.ToString();
    }

    static string Term(OptionRow option)
    {
        var letter = option.Letter == '\0' ? "" : $"Fl {option.Letter} , ";
        return $"{letter}Fl \\-{Mdoc.Argument(option.Name)}{(option.Argument is { } argument ? " Ar " + Mdoc.Argument(argument) : "")}";
    }
}
