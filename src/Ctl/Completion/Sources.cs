using HostMemd.Client;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Ctl.Verbs;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Completion;

/// <summary>Where completion has its words from: the tables, and the daemon.</summary>
static class Sources
{
    public static Source Of(params string[] words) => _ =>
        Task.FromResult<IReadOnlyList<Suggestion>>([.. words.Select(w => new Suggestion(w))]);

    /// <summary>Names of files: nothing here, so that the shell offers its own.</summary>
    public static readonly Source Files = Of();

    /// <summary>Nothing, where the user makes up a new name.</summary>
    public static readonly Source Nothing = Of();

    public static readonly Source Ids = completer => completer.AskAsync(async (client, token) =>
        (await client.QueryMemdevAsync(token).ConfigureAwait(false)).Select(m => new Suggestion(m.Id ?? "", Sizes.Text(m.Size))));

    public static readonly Source Jobs = completer => completer.AskAsync(async (client, token) =>
        (await client.QueryMemdevJobsAsync(token).ConfigureAwait(false)).Select(j => new Suggestion(j.JobId, "fills " + j.Id)));

    public static readonly Source Leases = completer => completer.AskAsync(async (client, token) =>
        (await client.QueryMappingsAsync(null, token).ConfigureAwait(false)).Where(m => m.Mapping is not null)
            .Select(m => new Suggestion(m.Mapping!, $"{m.Id}, {Holders.Name(m)}")));

    public static readonly Source Commands = completer => completer.AskAsync(async (client, token) =>
        Names(await client.ExecuteAsync("query-commands", Members.None, token).ConfigureAwait(false)).Select(name => new Suggestion(name)));

    public static readonly Source Kinds = _ => Task.FromResult<IReadOnlyList<Suggestion>>(
        [.. Kind.All.Select(k => new Suggestion(k.Short, k.Help))]);

    /// <summary><c>KEY=</c> for the properties of the type that the line names.</summary>
    public static readonly Source NewProperties = completer => completer.Words.ElementAtOrDefault(1) is { } kind
        ? completer.AskAsync((client, token) => PropertiesAsync(client, "qom-list-properties", "typename", Kind.TypeOf(kind), "=", token))
        : Nothing(completer);

    /// <summary><c>KEY=</c> for the properties of the object that the line names.</summary>
    public static readonly Source Assignments = completer => OfObject(completer, "=");

    /// <summary>The properties of the object that the line names.</summary>
    public static readonly Source Keys = completer => OfObject(completer, "");

    static Task<IReadOnlyList<Suggestion>> OfObject(Completer completer, string suffix) => completer.Words.ElementAtOrDefault(0) is { } id
        ? completer.AskAsync((client, token) => PropertiesAsync(client, "qom-list", "path", "/objects/" + id, suffix, token))
        : Nothing(completer);

    static async Task<IEnumerable<Suggestion>> PropertiesAsync(
        HostMemdClient client, string command, string argument, string value, string suffix, CancellationToken token)
    {
        var listed = await client.ExecuteAsync(command, new() { { argument, Value.From(value) } }, token).ConfigureAwait(false);
        return Properties.Read(listed).Select(p => new Suggestion(p.Name + suffix, p.Description ?? p.Type));
    }

    static IEnumerable<string> Names(Value list)
    {
        list.TryList(out var items);
        foreach (var item in items ?? [])
        {
            if (item.TryObject(out var members) && members["name"].TryString(out var name))
                yield return name;
        }
    }
}
