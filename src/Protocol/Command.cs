using HostMemd.Qapi;

namespace HostMemd.Protocol;

/// <summary>Who may give a command. The roles are ordered: an admin may do what an observer may.</summary>
public enum Role { Observer, Admin }

/// <summary>A declared command: everything a client, the schema and the manual can know of it, and what it does.</summary>
public sealed class Command
{
    internal delegate ValueTask<Value> Handler(Call call, Members arguments, Lock state);

    readonly Handler _handler;

    internal Command(string name, string doc, QapiType arguments, QapiType result, Handler handler)
    {
        Name = name;
        Doc = doc;
        ArgumentType = arguments;
        ResultType = result;
        _handler = handler;
    }

    public string Name { get; }
    public string Doc { get; }
    public QapiType ArgumentType { get; }
    public QapiType ResultType { get; }

    /// <summary>May be sent as <c>exec-oob</c>: it then overtakes what this client has queued.</summary>
    public bool AllowsOutOfBand { get; private init; }

    /// <summary>Beyond QEMU: the manual says so.</summary>
    public bool IsExtension { get; private init; }

    public Role MinimumRole { get; private init; } = Role.Admin;

    /// <summary>Changes what another process would have to know that goes on after this one. Those of observers never do.</summary>
    public bool Changes => _changes && MinimumRole > Role.Observer && !AllowsOutOfBand;

    bool _changes = true;

    public Command OutOfBand() => Copy(outOfBand: true);
    public Command ForObservers() => Copy(role: Role.Observer);
    /// <summary>Needs an admin, but changes nothing.</summary>
    public Command WithoutChanges() => Copy(changes: false);
    public Command Extension() => Copy(extension: true);

    /// <summary>Checks the arguments, then acts. Short commands hold <paramref name="state"/> while they act.</summary>
    /// <exception cref="QmpException">What the client is to be told.</exception>
    public ValueTask<Value> Invoke(Call call, Members arguments, Lock state) => _handler(call, arguments, state);

    Command Copy(bool? outOfBand = null, bool? extension = null, Role? role = null, bool? changes = null) =>
        new(Name, Doc, ArgumentType, ResultType, _handler)
        {
            AllowsOutOfBand = outOfBand ?? AllowsOutOfBand,
            IsExtension = extension ?? IsExtension,
            MinimumRole = role ?? MinimumRole,
            _changes = changes ?? _changes,
        };
}
