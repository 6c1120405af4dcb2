using HostMemd.Qapi;

namespace HostMemd.Client.Wire;

/// <summary>JSON-RPC 2.0's messages, one a line.</summary>
sealed class RpcDialect : Dialect
{
    public override bool HasGreeting => false;

    // Every request may overtake the others, so none needs to ask for it.
    public override Value Request(string command, Members arguments, bool outOfBand, long id)
    {
        var request = new Members(4);
        request.Add("jsonrpc", Value.From("2.0"));
        request.Add("id", Value.From(id));
        request.Add("method", Value.From(command));
        if (arguments.Count > 0)
            request.Add("params", Value.From(arguments));
        return Value.From(request);
    }

    public override Value? Cancel(long id) => Value.Object(
        ("jsonrpc", Value.From("2.0")), ("method", Value.From("$/cancelRequest")), ("params", Value.Object(("id", Value.From(id)))));

    public override Message Read(Members message)
    {
        if (message["method"].TryString(out var name))
            return new(name.StartsWith('$') ? MessageKind.Other : MessageKind.Event, null, message["params"], name);
        if (message.TryGet("result", out var result))
            return new(MessageKind.Result, IdOf(message), result);
        return message.TryGet("error", out var error)
            ? new(MessageKind.Error, IdOf(message), MemberOf(error, "data"))
            : new(MessageKind.Other, null, Value.Null);
    }
}
