using HostMemd.Qapi;

namespace HostMemd.Client.Wire;

/// <summary>QMP's messages.</summary>
sealed class QmpDialect : Dialect
{
    public override bool HasGreeting => true;

    public override Value Request(string command, Members arguments, bool outOfBand, long id)
    {
        var request = new Members(3);
        request.Add(outOfBand ? "exec-oob" : "execute", Value.From(command));
        if (arguments.Count > 0)
            request.Add("arguments", Value.From(arguments));
        request.Add("id", Value.From(id));
        return Value.From(request);
    }

    public override Value? Cancel(long id) => null;

    public override Message Read(Members message)
    {
        if (message.TryGet("return", out var result))
            return new(MessageKind.Result, IdOf(message), result);
        if (message.TryGet("error", out var error))
            return new(MessageKind.Error, IdOf(message), error);
        if (message["event"].TryString(out var name))
            return new(MessageKind.Event, null, Value.From(message), name);
        return message.TryGet("QMP", out var greeting) ? new(MessageKind.Greeting, null, greeting) : new(MessageKind.Other, null, Value.Null);
    }
}
