using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Rpc.Discovery;

/// <summary>
/// The answer to <c>rpc.discover</c>: an OpenRPC document, read off the tables that also dispatch and answer <c>query-qmp-schema</c>, from
/// which clients can be generated. What OpenRPC has no word for, notifications, is in <c>x-notifications</c>.
/// </summary>
public sealed class OpenRpcDocument
{
    const string Version = "1.3.2";

    readonly JsonSchemas _schemas = new();

    OpenRpcDocument()
    {
    }

    /// <summary>The document.</summary>
    /// <param name="commands">All commands.</param>
    /// <param name="events">All events.</param>
    /// <param name="version">The daemon's.</param>
    public static Value Of(CommandTable commands, IReadOnlyList<Event> events, string version)
    {
        var document = new OpenRpcDocument();
        Value[] methods = [.. commands.All.Select(document.Method), document.Discover()];
        Value[] notifications = [.. events.Select(document.Notification), Progress(document._schemas)];
        return Value.Object(
            ("openrpc", Value.From(Version)),
            ("info", Value.Object(
                ("title", Value.From("HostMemd")),
                ("description", Value.From("Owns the memory of virtual machines: makes, fills, places, lends and deletes it.")),
                ("version", Value.From(version)))),
            ("methods", Value.From(methods)),
            ("components", Value.Object(("schemas", document._schemas.Components()), ("errors", CommonErrors()))),
            ("x-notifications", Value.From(notifications)));
    }

    Value Method(Command command)
    {
        var method = new Members(10);
        method.Add("name", Value.From(command.Name));
        method.Add("summary", Value.From(command.Doc));
        var shape = (ObjectShape)command.ArgumentType.Shape;
        // What follows the tag differs from case to case, so a generated client sends it by name.
        method.Add("paramStructure", Value.From(shape.Tag is null ? "either" : "by-name"));
        method.Add("params", Value.From([.. AllOf(shape).Select(Param)]));
        method.Add("result", Result(_schemas.Of(command.ResultType)));
        method.Add("errors", Value.From([.. Errors(command)]));
        if (command.Topic is { } topic)
            method.Add("tags", Value.From([Value.Object(("name", Value.From(topic.Title)))]));
        var examples = command.Examples.Select((e, at) => Example(command, e, at)).OfType<Value>().ToArray();
        if (examples.Length > 0)
            method.Add("examples", Value.From(examples));
        method.Add("x-role", Value.From(command.MinimumRole == Role.Observer ? "observer" : "admin"));
        method.Add("x-extension", Value.From(command.IsExtension));
        return Value.From(method);
    }

    Value Discover() => Value.Object(
        ("name", Value.From(RpcCommands.Discover)),
        ("summary", Value.From("Return this document.")),
        ("params", Value.From((IReadOnlyList<Value>)[])),
        ("result", Result(Value.Object(("type", Value.From("object"))))));

    static Value Result(Value schema) => Value.Object(("name", Value.From("result")), ("schema", schema));

    // Those of all cases of a tag: they are optional, since each is of some cases only.
    static IEnumerable<Member> AllOf(ObjectShape shape)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in shape.Members.Where(m => names.Add(m.Name)))
            yield return member;
        foreach (var member in (shape.Variants ?? []).SelectMany(v => ((ObjectShape)v.Type.Shape).Members).Where(m => names.Add(m.Name)))
            yield return new(member.Name, member.Type, Optional: true, member.Doc);
    }

    Value Param(Member member) => Value.Object(
        ("name", Value.From(member.Name)),
        ("summary", Value.From(member.Doc)),
        ("required", Value.From(!member.Optional)),
        ("schema", _schemas.Of(member.Type)));

    static IEnumerable<Value> Errors(Command command)
    {
        foreach (var error in command.Refusals.Select(r => r.Error).DistinctBy(e => e.Message, StringComparer.Ordinal))
        {
            var fault = RpcFault.Of(error);
            yield return Value.Object(
                ("code", Value.From(fault.Code)),
                ("message", Value.From(error.Message)),
                ("data", Value.Object(("class", Value.From(error.Class.ToString())), ("desc", Value.From(error.Message)))));
        }
        foreach (var common in s_common)
            yield return Value.Object(("$ref", Value.From("#/components/errors/" + common.Name)));
    }

    static readonly (string Name, int Code, string Message)[] s_common =
    [
        ("ParseError", RpcErrorCodes.Parse, "The message is not JSON."),
        ("InvalidRequest", RpcErrorCodes.InvalidRequest, "The message is not a request."),
        ("MethodNotFound", RpcErrorCodes.MethodNotFound, "There is no such command."),
        ("InvalidParams", RpcErrorCodes.InvalidParams, "The arguments do not match the declaration."),
        ("InternalError", RpcErrorCodes.Internal, "A bug of the daemon; its log has the reason."),
        ("Refused", RpcErrorCodes.Refused, "The command was refused; data.class and data.desc have QMP's reason."),
        ("RequestCancelled", RpcErrorCodes.Cancelled, "The client cancelled the request, and it ended for that."),
    ];

    static Value CommonErrors()
    {
        var errors = new Members(s_common.Length);
        foreach (var (name, code, message) in s_common)
            errors.Add(name, Value.Object(("code", Value.From(code)), ("message", Value.From(message))));
        return Value.From(errors);
    }

    /// <summary>Null for a request of another command that the example needs.</summary>
    static Value? Example(Command command, Example example, int at)
    {
        JsonText.Parse(example.Request).TryObject(out var request);
        JsonText.Parse(example.Reply).TryObject(out var reply);
        if (!request!["execute"].TryString(out var name) || name != command.Name || !reply!.TryGet("return", out var returned))
            return null;
        var arguments = request["arguments"].TryObject(out var given) ? given : Members.None;
        return Value.Object(
            ("name", Value.From($"{command.Name} {at + 1}")),
            ("params", Value.From([.. arguments.Select(a => Value.Object(("name", Value.From(a.Key)), ("value", a.Value)))])),
            ("result", Value.Object(("name", Value.From("result")), ("value", returned))));
    }

    Value Notification(Event declared)
    {
        var data = JsonSchemas.Object(declared.Data, m => _schemas.Of(m.Type));
        return Value.Object(
            ("name", Value.From(declared.Name)),
            ("summary", Value.From(declared.Doc)),
            ("x-extension", Value.From(declared.IsExtension)),
            ("params", Value.From(
            [
                Value.Object(("name", Value.From("timestamp")), ("required", Value.From(true)), ("schema", JsonSchemas.Timestamp)),
                Value.Object(("name", Value.From("data")), ("required", Value.From(declared.Data.Count > 0)), ("schema", data)),
            ])));
    }

    static Value Progress(JsonSchemas schemas) => Value.Object(
        ("name", Value.From(RpcCommands.Progress)),
        ("summary", Value.From("How far the filling of a request with $progress has come.")),
        ("x-extension", Value.From(true)),
        ("params", Value.From(
        [
            Value.Object(("name", Value.From("token")), ("required", Value.From(true)), ("schema", JsonSchemas.Token)),
            Value.Object(("name", Value.From("value")), ("required", Value.From(true)), ("schema", schemas.ProgressValue)),
        ])));
}
