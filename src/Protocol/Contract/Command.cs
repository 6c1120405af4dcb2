using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>A declared command: all that clients, the schema and the manual know of it, and the handler that runs it.</summary>
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

    /// <summary>A client may send it as <c>exec-oob</c>; it then overtakes that client's queue.</summary>
    public bool AllowsOutOfBand { get; private init; }

    /// <summary>QEMU has no such command; the manual says so.</summary>
    public bool IsExtension { get; private init; }

    public Role MinimumRole { get; private init; } = Role.Admin;

    /// <summary>The manual's section.</summary>
    public Topic? Topic { get; private init; }

    /// <summary>The manual's examples, in the order in which a test sends them.</summary>
    public IReadOnlyList<Example> Examples { get; private init; } = [];

    /// <summary>The errors that the manual lists here, beside those of every command (<see cref="Refusal.OfEveryCommand"/>).</summary>
    public IReadOnlyList<Refusal> Refusals { get; private init; } = [];

    /// <summary>Changes state that a takeover must transfer. Commands open to observers never do.</summary>
    public bool Changes => _changes && MinimumRole > Role.Observer && !AllowsOutOfBand;

    bool _changes = true;

    public Command OutOfBand() => Copy(outOfBand: true);
    public Command ForObservers() => Copy(role: Role.Observer);
    /// <summary>Only an admin may run it, though it changes no state.</summary>
    public Command WithoutChanges() => Copy(changes: false);
    public Command Extension() => Copy(extension: true);
    public Command In(Topic topic) => Copy(topic: topic);

    /// <summary>Adds a request of this command and its reply to the manual.</summary>
    /// <param name="arguments">JSON; empty for none.</param>
    /// <param name="returns">JSON, with the placeholders of <see cref="Contract.Example"/>.</param>
    /// <param name="then">An event that follows the reply, as JSON.</param>
    /// <param name="withDescriptor">A file descriptor goes with the request.</param>
    public Command Example(string arguments = "", string returns = "{}", string? then = null, bool withDescriptor = false) =>
        With(Name, arguments, returns, then, withDescriptor);

    /// <summary>As <see cref="Example"/>, of another command that the example needs before or after it.</summary>
    public Command With(string command, string arguments, string returns = "{}", string? then = null, bool withDescriptor = false) =>
        Copy(examples:
        [
            .. Examples, new(Contract.Example.RequestOf(command, arguments), $$"""{"return": {{returns}}}""", then, withDescriptor),
        ]);

    /// <summary>Adds an error to the manual, with arguments that cause it.</summary>
    public Command Fails(QmpException error, string arguments, bool withDescriptor = false) =>
        Copy(refusals: [.. Refusals, new(error, Contract.Example.RequestOf(Name, arguments), withDescriptor)]);

    /// <summary>Adds errors to the manual that no request alone causes: they depend on the host or on other clients.</summary>
    public Command MayFail(params IEnumerable<QmpException> errors) =>
        Copy(refusals: [.. Refusals, .. errors.Select(e => new Refusal(e, null))]);

    /// <summary>Checks the arguments, then runs the handler. Short commands hold <paramref name="state"/> meanwhile.</summary>
    /// <exception cref="QmpException">The command is refused.</exception>
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
