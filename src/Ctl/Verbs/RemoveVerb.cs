using System.Globalization;
using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Deletes objects. A refusal names the processes that hold the memory.</summary>
static class RemoveVerb
{
    static readonly OperandRow s_ids = new("ID", "The objects; * and ? stand for any letters and for one.", Sources.Ids)
    { IsOptional = true, IsMany = true };
    static readonly OptionRow s_all = new("all", '\0', null, "Delete all objects.");
    static readonly OptionRow s_yes = new("yes", 'y', null, "Do not ask.");

    public static readonly VerbRow Row = new("rm", "Delete memory and what is in it.", RunAsync)
    {
        Operands = [s_ids],
        Options = [s_all, s_yes],
        Details = ["What a pattern or --all stands for is deleted after the user was asked; without a terminal --yes is needed."],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        var words = call.Words(s_ids);
        if (words.Count == 0 != call.Has(s_all))
            throw CtlException.Usage(words.Count == 0 ? $"rm: ID is missing: hostmemctl {Row.Usage}"
                : "rm: ids and --all do not go together");
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var ids = call.Has(s_all) || words.Any(Glob.IsPattern) ? await ChooseAsync(call, client, words).ConfigureAwait(false) : words;
        var status = ExitStatus.Done;
        foreach (var id in ids)
        {
            try
            {
                await client.DeleteObjectAsync(id).ConfigureAwait(false);
                call.Say($"{id} deleted");
            }
            catch (QmpException refusal)
            {
                call.Complain(await ReasonAsync(client, id, refusal).ConfigureAwait(false));
                status = ExitStatus.Refused;
            }
        }
        return status;
    }

    static async Task<string> ReasonAsync(HostMemdClient client, string id, QmpException refusal)
    {
        if (refusal.Message != QmpErrors.ObjectNotFound(id).Message)
            return await Holders.ReasonAsync(client, id, refusal).ConfigureAwait(false);
        var known = (await client.QueryMemdevAsync().ConfigureAwait(false)).Select(m => m.Id ?? "");
        return Similar.To(id, known) is { } meant ? $"{id}: no such object; did you mean '{meant}'?" : $"{id}: no such object";
    }

    static async Task<IReadOnlyList<string>> ChooseAsync(Invocation call, HostMemdClient client, IReadOnlyList<string> globs)
    {
        var listed = await client.ExecuteAsync("qom-list", new() { { "path", Value.From("/objects") } }).ConfigureAwait(false);
        var all = Children(listed).ToArray();
        // Those that are named are asked of the daemon, which says what is wrong with them.
        string[] chosen = [.. globs.Where(g => !Glob.IsPattern(g)),
            .. all.Where(id => globs.Count == 0 || globs.Any(g => Glob.IsPattern(g) && Glob.Fits(g, id)))];
        chosen = [.. chosen.Distinct()];
        if (chosen.Length == 0)
            throw CtlException.Refused(all.Length == 0 ? "there are no objects" : string.Create(CultureInfo.InvariantCulture,
                $"none of {all.Length} objects fits"));
        const int Named = 8;
        var names = string.Join(", ", chosen.Take(Named))
            + (chosen.Length > Named ? string.Create(CultureInfo.InvariantCulture, $" and {chosen.Length - Named} more") : "");
        call.Confirm(s_yes, $"Delete {names} and what is in them?");
        return chosen;
    }

    static IEnumerable<string> Children(Value listed)
    {
        listed.TryList(out var items);
        foreach (var item in items ?? [])
        {
            if (item.TryObject(out var members) && members["type"].TryString(out var type)
                && type.StartsWith("child<", StringComparison.Ordinal)
                && members["name"].TryString(out var name))
                yield return name;
        }
    }
}
