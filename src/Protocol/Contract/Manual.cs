using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>A heading of the manual, and the commands below it.</summary>
/// <param name="Title">One or two words.</param>
/// <param name="Doc">One sentence.</param>
public sealed record Topic(string Title, string Doc)
{
    public IEnumerable<Command> Of(IEnumerable<Command> rows) => rows.Select(row => row.In(this));
}

/// <summary>
/// A request and its reply, as the manual shows them. A test sends every request to a daemon and compares the reply. In replies and
/// events a text such as <c>"&lt;pid&gt;"</c> stands for any value, and <c>"..."</c> for the elements or members that are left out.
/// </summary>
/// <param name="Request">The client's message, as JSON.</param>
/// <param name="Reply">The daemon's, as JSON.</param>
/// <param name="Event">An event that follows, as JSON without its time, or null.</param>
/// <param name="WithDescriptor">A file descriptor goes with the request.</param>
public sealed record Example(string Request, string Reply, string? Event = null, bool WithDescriptor = false)
{
    /// <summary>The request that precedes each command's examples, on a fresh daemon.</summary>
    public const string Before =
        """{"execute": "object-add", "arguments": {"qom-type": "memory-backend-memfd", "id": "ram0", "size": 2097152}}""";

    internal static string RequestOf(string command, string arguments) =>
        arguments.Length == 0 ? $$"""{"execute": "{{command}}"}""" : $$"""{"execute": "{{command}}", "arguments": {{arguments}}}""";
}

/// <summary>An error that a command can give.</summary>
/// <param name="Error">Class and text.</param>
/// <param name="Request">A request that causes it after the command's examples; null where it depends on the host.</param>
/// <param name="WithDescriptor">A file descriptor goes with the request.</param>
public sealed record Refusal(QmpException Error, string? Request, bool WithDescriptor = false)
{
    /// <summary>The errors that every command can give.</summary>
    public static IReadOnlyList<Refusal> OfEveryCommand { get; } =
    [
        new(QmpErrors.CommandNotFound("frobnicate"), """{"execute": "frobnicate"}"""),
        new(QmpErrors.LacksExecute(), """{"arguments": {}}"""),
        new(QmpErrors.ParameterMissing("path"), """{"execute": "qom-list"}"""),
        new(QmpErrors.InvalidParameterType("path", "string"), """{"execute": "qom-list", "arguments": {"path": 7}}"""),
        new(QmpErrors.ParameterUnexpected("color"), """{"execute": "query-jobs", "arguments": {"color": "red"}}"""),
        new(QmpErrors.NoOutOfBand("quit"), null),
        new(QmpErrors.ExpectingNegotiation(), null),
        new(QmpErrors.NeedsRole("COMMAND", "admin"), null),
        new(QmpErrors.Internal(), null),
    ];
}
