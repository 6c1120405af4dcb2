using HostMemd.Ctl;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Reach;
using HostMemd.Ctl.Verbs;

namespace HostMemd.Manual;

/// <summary>hostmemctl(1), from the rows of its verbs and options.</summary>
static class CtlPage
{
    static readonly (int Status, string Meaning)[] s_statuses =
    [
        (ExitStatus.Done, "All was done."),
        (ExitStatus.Refused, "The daemon or the host refused something; what could be done of the rest is done."),
        (ExitStatus.Usage, "The command line is wrong. Nothing was done."),
        (ExitStatus.Unreachable, "No daemon can be reached, or it has gone."),
        (ExitStatus.NotExecutable, "The command of run cannot be executed."),
        (ExitStatus.NotFound, "The command of run is not found."),
        (ExitStatus.Cancelled, "An interrupt cancelled the filling."),
        (ExitStatus.OutputClosed, "The reader of the output has gone."),
    ];

    static readonly (string Name, string Meaning)[] s_variables =
    [
        (DaemonSocket.Variable, "The daemon's socket, where --socket does not name one. It is not for the other host of --host."),
        (Completer.PatienceVariable, $"How many milliseconds completion waits for the daemon; {Completer.Patience} if not set."),
        ("XDG_RUNTIME_DIR", "Where a user's own daemon has its socket, hostmemd/qmp.sock."),
        ("NO_COLOR", "If not empty, no colours."),
        ("LC_ALL, LC_CTYPE, LANG", "The first that is not empty says whether the terminal shows UTF-8."),
    ];

    static readonly (string Text, string[] Lines)[] s_examples =
    [
        ("Make memory, filled before it is there, and see what the daemon has:", ["hostmemctl add vm1 memfd 4G --fill", "hostmemctl list"]),
        ("Start a guest on it:", ["hostmemctl run vm1 -- qemu-system-x86_64 -m 4G -machine pc,memory-backend=mem \\",
            "    -object memory-backend-file,id=mem,size=4G,mem-path={path},share=on"]),
        ("Who has it, and why it cannot be deleted:", ["hostmemctl who vm1", "hostmemctl rm vm1"]),
        ("Two megabyte pages of node 0, on another host:", ["hostmemctl -H root@host7 add vm2 memfd 8G --hugetlb=2M --nodes 0"]),
        ("The resident bytes of all memory, for a script:", ["hostmemctl stats -o json | jq 'map({(.id): .resident}) | add'"]),
    ];

    public static string Write()
    {
        var page = new Mdoc("hostmemctl", 1, "make, fill, lend and delete guest memory that hostmemd owns");
        page.Section("SYNOPSIS");
        page.Macro("Nm");
        page.Macro("Op Ar option ...");
        page.Macro("Ar verb");
        page.Macro("Op Ar argument ...");
        page.Section("DESCRIPTION");
        page.Macro("Nm");
        page.Text("makes, fills, lends and deletes the memory of virtual machines, and shows how it is used.");
        page.Text("It speaks QMP with the daemon,");
        page.Macro("Xr hostmemd 8 ,");
        page.Text("on a Unix socket; with --host through ssh with that of another host, where hostmemctl must be installed.");
        page.Paragraph();
        page.Text("Sizes are read and printed in powers of 1024: 4096, 512M, 4G, 0x1000. Lists are as wide as what is in them; on a "
            + "narrow terminal the columns that matter least are left out. Where the output is no terminal nothing is left out, and there "
            + "are no escapes, bars and sums.");
        WriteVerbs(page);
        page.Section("OPTIONS");
        page.Text("They may stand before the verb or behind it.");
        WriteOptions(page, GlobalOptions.All);
        page.Section("OUTPUT");
        page.Text("With -o json a verb prints what the protocol returns, as it came: hostmemd-qmp(7) has the names and types, which "
            + "stay. A newer daemon may add members. "
            + "On a terminal the JSON is laid out over many lines. Verbs that join the returns of several commands say so above. "
            + "With -o id, or -q, lists have the ids alone, one a line.");
        page.Section("ENVIRONMENT");
        page.List(s_variables, v => "Ev " + string.Join(" , ", v.Name.Split(", ")), v => page.Text(v.Meaning));
        page.Section("FILES");
        page.List([DaemonSocket.OfTheSystem, "$XDG_RUNTIME_DIR/hostmemd/qmp.sock"], f => "Pa " + Mdoc.Argument(f),
            f => page.Text(f == DaemonSocket.OfTheSystem ? "The socket of the system's daemon."
                : "That of a user's own, used where the system has none."));
        page.Section("EXIT STATUS");
        page.List(s_statuses, s => $"{s.Status}", s => page.Text(s.Meaning));
        page.Paragraph();
        page.Text("Errors are one line on standard error.");
        page.Section("EXAMPLES");
        foreach (var (text, lines) in s_examples)
        {
            if (text != s_examples[0].Text)
                page.Paragraph();
            page.Text(text);
            page.Literal(lines);
        }
        page.Section("SEE ALSO");
        page.Macro("Xr hostmemd\\-qmp 7 ,");
        page.Macro("Xr hostmemd 8");
        return page.ToString();
    }

    static void WriteVerbs(Mdoc page)
    {
        page.Section("VERBS");
        page.List(VerbTable.Shown, Term, verb =>
        {
            page.Text(verb.Help);
            foreach (var detail in verb.Details)
                page.Text(detail);
            if (verb.Operands.Count > 0)
                page.List(verb.Operands, o => "Ar " + Mdoc.Argument(o.Name), o => page.Text(o.Help));
            WriteOptions(page, verb.Options);
        });
    }

    static string Term(VerbRow verb)
    {
        var words = string.Join(" | ", verb.Aliases.Prepend(verb.Name).Select(n => "Cm " + n));
        foreach (var operand in verb.Operands)
        {
            var dots = operand.IsMany ? " ..." : "";
            var name = (operand.IsBehind ? "Fl \\- " : "") + "Ar " + Mdoc.Argument(operand.Name) + dots;
            words += operand.IsOptional ? $" Oo {name} Oc" : " " + name;
        }
        return words;
    }

    static void WriteOptions(Mdoc page, IReadOnlyList<OptionRow> options) => page.List(options, o =>
    {
        var value = o.Value is null ? "" : o.IsValueOptional ? $" Ns Op = Ns Ar {Mdoc.Argument(o.Value)}" : $" Ar {Mdoc.Argument(o.Value)}";
        return (o.Letter == '\0' ? "" : $"Fl {o.Letter} , ") + $"Fl \\-{Mdoc.Argument(o.Name)}{value}";
    }, o => page.Text(o.Help));
}
