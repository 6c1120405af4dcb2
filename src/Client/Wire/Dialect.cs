using HostMemd.Qapi;

namespace HostMemd.Client.Wire;

/// <summary>What a message of the daemon is.</summary>
enum MessageKind { Result, Error, Event, Greeting, Other }

/// <summary>One message of the daemon.</summary>
/// <param name="Kind">What it is.</param>
/// <param name="Id">Whose reply; null for one to a request of which the daemon could make nothing.</param>
/// <param name="Value">The result; the members of the error, the event or the greeting.</param>
/// <param name="Name">The event's.</param>
readonly record struct Message(MessageKind Kind, long? Id, Value Value, string Name = "");

/// <summary>How a protocol writes requests, and what it makes of the daemon's messages.</summary>
abstract class Dialect
{
    public static Dialect Qmp { get; } = new QmpDialect();

    public static Dialect JsonRpc { get; } = new RpcDialect();

    /// <summary>The daemon speaks first, and commands follow a negotiation.</summary>
    public abstract bool HasGreeting { get; }

    public abstract Value Request(string command, Members arguments, bool outOfBand, long id);

    /// <summary>Asks that the command end whose caller has given up; null where the protocol has no such thing.</summary>
    public abstract Value? Cancel(long id);

    public abstract Message Read(Members message);

    protected static long? IdOf(Members message) => message["id"].TryInt(out var id) ? id : null;

    protected static Value MemberOf(Value value, string name) => value.TryObject(out var members) ? members[name] : Value.Null;
}
