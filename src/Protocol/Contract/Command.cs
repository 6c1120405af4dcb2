using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>Who may give a command. The roles are ordered: an admin may do what an observer may.</summary>
public enum Role { Observer, Admin }

/// <summary>A declared command: everything a client, the schema and the manual can know of it, and what it does.</summary>
public sealed class Command
{
    internal delegate ValueTask<Value> Handler(Call call, Members arguments, StateLock state);

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

    /// <summary>Where the manual has the command.</summary>
    public Topic? Topic { get; private init; }

    /// <summary>For the manual, in the order in which they are sent.</summary>
    public IReadOnlyList<Example> Examples { get; private init; } = [];

    /// <summary>For the manual: the errors of this command beside those that every command can give.</summary>
    public IReadOnlyList<Refusal> Refusals { get; private init; } = [];

    /// <summary>Changes what another process would have to know that goes on after this one. Those of observers never do.</summary>
    public bool Changes => _changes && MinimumRole > Role.Observer && !AllowsOutOfBand;

    bool _changes = true;

    public Command OutOfBand() => Copy(outOfBand: true);
    public Command ForObservers() => Copy(role: Role.Observer);
    /// <summary>Needs an admin, but changes nothing.</summary>
    public Command WithoutChanges() => Copy(changes: false);
    public Command Extension() => Copy(extension: true);
    public Command In(Topic topic) => Copy(topic: topic);

    /// <summary>Adds a request of this command, and what it returns, to the manual.</summary>
    /// <param name="arguments">JSON; empty for none.</param>
    /// <param name="returns">JSON, with the placeholders of <see cref="Contract.Example"/>.</param>
    /// <param name="then">An event that follows.</param>
    /// <param name="withDescriptor">A file descriptor goes with the request.</param>
    public Command Example(string arguments = "", string returns = "{}", string? then = null, bool withDescriptor = false) =>
        With(Name, arguments, returns, then, withDescriptor);

    /// <summary>The same of another command that the example needs, before or after.</summary>
    public Command With(string command, string arguments, string returns = "{}", string? then = null, bool withDescriptor = false) =>
        Copy(examples:
        [
            .. Examples, new(Contract.Example.RequestOf(command, arguments), $$"""{"return": {{returns}}}""", then, withDescriptor),
        ]);

    /// <summary>Adds an error to those that the manual lists, with arguments that give it.</summary>
    public Command Fails(QmpException error, string arguments, bool withDescriptor = false) =>
        Copy(refusals: [.. Refusals, new(error, Contract.Example.RequestOf(Name, arguments), withDescriptor)]);

    /// <summary>Adds errors that no request alone gives: the state of the host, or another client, decides.</summary>
    public Command MayFail(params IEnumerable<QmpException> errors) =>
        Copy(refusals: [.. Refusals, .. errors.Select(e => new Refusal(e, null))]);

    /// <summary>Checks the arguments, then acts. Short commands hold <paramref name="state"/> while they act.</summary>
    /// <exception cref="QmpException">What the client is to be told.</exception>
    public ValueTask<Value> Invoke(Call call, Members arguments, StateLock state) => _handler(call, arguments, state);

    Command Copy(bool? outOfBand = null, bool? extension = null, Role? role = null, bool? changes = null, Topic? topic = null,
        IReadOnlyList<Example>? examples = null, IReadOnlyList<Refusal>? refusals = null) =>
        new(Name, Doc, ArgumentType, ResultType, _handler)
        {
            AllowsOutOfBand = outOfBand ?? AllowsOutOfBand,
            IsExtension = extension ?? IsExtension,
            MinimumRole = role ?? MinimumRole,
            _changes = changes ?? _changes,
            Topic = topic ?? Topic,
            Examples = examples ?? Examples,
            Refusals = refusals ?? Refusals,
        };
}
