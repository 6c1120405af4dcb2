using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using static HostMemd.Protocol.Contract.Define;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Commands;

/// <summary>Negotiation, introspection, and <c>quit</c>.</summary>
static class SessionCommands
{
    static readonly Topic s_topic = new("The session", "Negotiation, introspection, the human monitor, and the end of the daemon.");

    sealed class CommandInfo
    {
        public string Name { get; set; } = "";
    }

    sealed class NameInfo
    {
        public string? Name { get; set; }
    }

    sealed class UuidInfo
    {
        public string Uuid { get; set; } = "";
    }

    sealed class StatusInfo
    {
        public bool Running { get; set; }
        public RunState Status { get; set; }
    }

    enum RunState { Running }

    static readonly QapiStruct<CommandInfo> s_commandInfo = new("CommandInfo", rows => rows
        .Row("name", Str, "The command.", c => c.Name, (c, v) => c.Name = v));

    static readonly QapiStruct<NameInfo> s_nameInfo = new("NameInfo", rows => rows
        .Opt("name", Str, "Never there: a daemon has no guest to name.", n => n.Name, (n, v) => n.Name = v));

    static readonly QapiStruct<UuidInfo> s_uuidInfo = new("UuidInfo", rows => rows
        .Row("UUID", Str, "All zero: a daemon has no guest to identify.", u => u.Uuid, (u, v) => u.Uuid = v));

    static readonly QapiStruct<StatusInfo> s_statusInfo = new("StatusInfo", rows => rows
        .Row("running", Bool, "Always true.", s => s.Running, (s, v) => s.Running = v)
        .Row("status", new QapiEnum<RunState>("RunState", ("running", RunState.Running)), "Always running.",
            s => s.Status, (s, v) => s.Status = v));

    /// <param name="table">The table these commands are part of.</param>
    /// <param name="negotiation">The row of the command that QMP's clients send first.</param>
    /// <param name="schema">The answer to <c>query-qmp-schema</c>, made at its first use.</param>
    /// <param name="quit">Called before the reply to <c>quit</c> is written.</param>
    /// <param name="end">Called after that reply was written.</param>
    /// <param name="monitor">The human monitor.</param>
    public static IEnumerable<Command> All(
        CommandTable table, Command negotiation, Lazy<Value> schema, Action quit, Action end,
        Func<string, uint, Waiter, ValueTask<string>> monitor) =>
        s_topic.Of(Rows(table, negotiation, schema, quit, end, monitor));

    static IEnumerable<Command> Rows(
        CommandTable table, Command negotiation, Lazy<Value> schema, Action quit, Action end,
        Func<string, uint, Waiter, ValueTask<string>> monitor)
    {
        yield return negotiation;

        yield return Command("query-version", "The QEMU release whose behaviour is followed, and our own version.",
            VersionInfo.Type, _ => VersionInfo.Current).ForObservers()
            .Example("", """{"qemu": {"major": 11, "minor": 1, "micro": 2}, "package": "<package>"}""");

        yield return Command("query-commands", "List the commands.", ListOf(s_commandInfo),
            _ => (IReadOnlyList<CommandInfo>)[.. table.All.Select(c => new CommandInfo { Name = c.Name })]).ForObservers()
            .Example("", """[{"name": "qmp_capabilities"}, {"name": "query-version"}, "..."]""");

        yield return Command("query-qmp-schema", "Describe all commands, events and types.", ListOf(SchemaInfo.Type),
            _ => SchemaInfo.From(schema.Value)).ForObservers()
            .Example("",
                """[{"name": "<name>", "meta-type": "command", "arg-type": "<type>", "ret-type": "<type>", "...": "..."}, "..."]""");

        yield return Command("query-name", "The name of the guest.", s_nameInfo, _ => new NameInfo()).ForObservers()
            .Example();

        yield return Command("query-uuid", "The UUID of the guest.", s_uuidInfo,
            _ => new UuidInfo { Uuid = Guid.Empty.ToString() }).ForObservers()
            .Example("", """{"UUID": "00000000-0000-0000-0000-000000000000"}""");

        yield return Command("query-status", "The state of the machine.", s_statusInfo,
            _ => new StatusInfo { Running = true, Status = RunState.Running }).ForObservers()
            .Example("", """{"status": "running", "running": true}""");

        yield return Command("query-memdev-session", "The asking client as the daemon sees it: who it is and what it may do.",
            MemdevSession.Schema, call => new MemdevSession
            {
                Role = call.Client.Role == Role.Admin ? MemdevRole.Admin : MemdevRole.Observer,
                Uid = call.Client.Peer.Uid,
                Gid = call.Client.Peer.Gid,
                Pid = call.Client.Peer.Pid,
                Since = (DateTimeOffset.UtcNow - TimeSpan.FromMilliseconds(Environment.TickCount64 - call.Client.Since))
                    .ToUnixTimeSeconds(),
            }).Extension().ForObservers()
            .Example("", """{"role": "admin", "uid": "<uid>", "gid": "<gid>", "pid": "<pid>", "since": "<since>"}""");

        yield return Command("quit", "Release all memory and end the daemon.", None, call =>
        {
            quit();
            call.Client.End();
            call.AfterReply = end;
            return default(Nothing);
        })
            .Example(then: """{"event": "SHUTDOWN", "data": {"guest": false, "reason": "host-qmp-quit"}}""");

        yield return Slow("human-monitor-command",
            "Run a command of the human monitor and return what it prints, its errors included. 'help' lists the commands.", Str,
            Arg("command-line", Str, "The line that a person would type."),
            OptNullable("cpu-index", Int, "Accepted and ignored: there are no CPUs."),
            (call, line, _) => monitor(line, call.Client.Peer.Uid, call.Waiter))
            .Example("""{"command-line": "info status"}""", "\"VM status: running\\r\\n\"");
    }
}
