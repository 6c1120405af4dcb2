using System.Globalization;
using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Everything about one object: the kernel's word, holders, jobs, properties.</summary>
static class ShowVerb
{
    static readonly OperandRow s_ids = new("ID", "The objects.", Sources.Ids) { IsMany = true };

    public static readonly VerbRow Row = new("show", "Show everything about objects.", RunAsync)
    {
        Operands = [s_ids],
        Details = ["With -o json: an array of objects with the members id, properties, stats, mappings, jobs; each is what its command "
            + "returns for the id."],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        var all = new List<Value>();
        var status = ExitStatus.Done;
        foreach (var id in call.Words(s_ids))
        {
            if (await FindAsync(call, client, id).ConfigureAwait(false) is not { } found)
                status = ExitStatus.Refused;
            else if (call.Form == OutputForm.Json)
                all.Add(found.ToValue());
            else if (call.Form == OutputForm.Id)
                call.Out.Write(id + "\n");
            else
                Write(call, found, isFirst: all.Count == 0);
            if (call.Form != OutputForm.Json)
                all.Add(Value.Null);
        }
        if (call.Form == OutputForm.Json)
            call.Json(Value.From(all));
        return status;
    }

    sealed record Found(string Id, Members Properties, Value Stats, Value Mappings, IReadOnlyList<(Value Info, Value? More)> Jobs)
    {
        public Value ToValue() => Value.Object(("id", Value.From(Id)), ("properties", Value.From(Properties)), ("stats", Stats),
            ("mappings", Mappings),
            ("jobs", Value.From([.. Jobs.Select(j => Joined(j.Info, j.More))])));

        static Value Joined(Value info, Value? more)
        {
            if (info.TryObject(out var members) && more?.TryObject(out var others) == true)
            {
                foreach (var (name, value) in others)
                {
                    // The object's id is there; the job's is in "id".
                    if (name is not ("id" or "job-id"))
                        members.TryAdd(name, value);
                }
            }
            return info;
        }
    }

    static async Task<Found?> FindAsync(Invocation call, HostMemdClient client, string id)
    {
        var path = Value.From(new List<Value> { Value.From("/objects/" + id) });
        var properties = client.ExecuteAsync("qom-list-get", new() { { "paths", path } });
        var only = new Members { { "id", Value.From(id) } };
        var stats = client.ExecuteAsync("query-memdev-stats", only);
        var mappings = client.ExecuteAsync("query-memdev-mappings", only);
        var jobs = client.ExecuteAsync("query-jobs", Members.None);
        var more = client.ExecuteAsync("query-memdev-jobs", Members.None);
        try
        {
            var read = PropertiesOf(await properties.ConfigureAwait(false));
            // A thread-context has no memory, and is refused there.
            return new(id, read, await OrNull(stats).ConfigureAwait(false), await OrNull(mappings).ConfigureAwait(false),
                JobsOf(id, await jobs.ConfigureAwait(false), await more.ConfigureAwait(false)));
        }
        catch (QmpException refusal) when (refusal.Class == ErrorClass.DeviceNotFound)
        {
            await Task.WhenAll((Task[])[stats, mappings, jobs, more]).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            var known = (await client.QueryMemdevAsync().ConfigureAwait(false)).Select(m => m.Id ?? "");
            call.Complain(Similar.To(id, known) is { } meant ? $"{id}: no such object; did you mean '{meant}'?" : $"{id}: no such object");
            return null;
        }
    }

    static async Task<Value> OrNull(Task<Value> work)
    {
        try
        {
            var all = await work.ConfigureAwait(false);
            return all;
        }
        catch (QmpException)
        {
            return Value.Null;
        }
    }

    static Members PropertiesOf(Value reply)
    {
        var result = new Members();
        if (reply.TryList(out var objects) && objects[0].TryObject(out var one) && one["properties"].TryList(out var items))
        {
            foreach (var item in items)
            {
                if (item.TryObject(out var members) && members["name"].TryString(out var name) && members.TryGet("value", out var value)
                    && !Text(item, "type").StartsWith("child<", StringComparison.Ordinal))
                    result.Add(name, value);
            }
        }
        return result;
    }

    static List<(Value, Value?)> JobsOf(string id, Value jobs, Value more)
    {
        more.TryList(out var named);
        jobs.TryList(out var infos);
        var own = (named ?? []).Where(j => Text(j, "id") == id).ToDictionary(j => Text(j, "job-id"));
        return [.. (infos ?? []).Where(j => own.ContainsKey(Text(j, "id"))).Select(j => (j, (Value?)own[Text(j, "id")]))];
    }

    static string Text(Value item, string name) => item.TryObject(out var members) && members[name].TryString(out var text) ? text : "";

    static void Write(Invocation call, Found found, bool isFirst)
    {
        if (!isFirst)
            call.Out.Write("\n");
        var type = found.Properties["type"].TryString(out var name) ? name : "";
        call.Out.Write($"{call.Terminal.Bold(found.Id)} {Kind.ShortOf(type)}\n");
        if (found.Stats.TryList(out var list) && list is [var one, ..])
            WriteMemory(call, HostMemdClient.ReadStats(one));
        if (found.Mappings.TryList(out var mappings))
            WriteRows(call, "Held by", [.. mappings.Select(HostMemdClient.ReadMapping).Select(
                m => $"{Holders.NameAndKind(m)}, {(m.ReadOnly ? "reads" : "reads and writes")}"
                + (m.Since is { } since ? $", for {Sizes.Age(since)}" : "")
                    + (m is { Kind: MemdevMappingKind.Lease, Name: { } about } ? $", \"{about}\"" : ""))]);
        WriteRows(call, "Jobs", [.. found.Jobs.Select(j => JobText(call, j.Info, j.More))], silent: true);
        WriteRows(call, "Properties", [.. found.Properties.Where(p => p.Key != "type")
            .Select(p => $"{p.Key}={new Property(p.Key, "", null).Write(p.Value)}").Order(StringComparer.Ordinal)]);
    }

    static void WriteMemory(Invocation call, MemdevStats stats)
    {
        var percent = Sizes.Percent(stats.Resident, stats.Size);
        WriteRow(call, "Size", $"{call.Size(stats.Size)} in pages of {call.Size(stats.PageSize)}");
        WriteRow(call, "Resident", string.Create(CultureInfo.InvariantCulture,
            $"{call.Size(stats.Resident)} ({percent}%), {call.Size(stats.Huge)} of it in huge pages, {call.Size(stats.Swapped)} swapped"));
        WriteRow(call, "Nodes", stats.Nodes.Count == 0 ? "-"
            : string.Join(", ", stats.Nodes.Select(n => string.Create(CultureInfo.InvariantCulture,
                $"{call.Size(n.Bytes)} on node {n.Node}"))));
        var wanted = Memdev.PolicyType.NameOf(stats.Policy.Requested);
        WriteRow(call, "Policy", stats.Policy.Effective == wanted
            || stats.Policy.Effective.StartsWith(wanted + ":", StringComparison.Ordinal)
            ? stats.Policy.Effective : $"{stats.Policy.Effective}; {wanted} was asked for");
        WriteRow(call, "Merge", !stats.Merge.Requested ? "off" : stats.Merge.Effective
            ? $"on, {call.Size(stats.Merge.MergingBytes ?? 0)} merged" : $"no: {stats.Merge.Reason}");
        WriteRow(call, "Dump", stats.Dump.Effective ? "on" : "off");
    }

    static string JobText(Invocation call, Value info, Value? more)
    {
        var job = HostMemdClient.ReadJob(info);
        var extra = more is { } known ? HostMemdClient.ReadMemdevJob(known) : null;
        var percent = Sizes.Percent(job.CurrentProgress, job.TotalProgress);
        return string.Create(CultureInfo.InvariantCulture, $"{job.Id} {JobInfo.StatusType.NameOf(job.Status)}, {percent}%")
            + (extra is { BytesPerSecond: > 0 and var rate } ? $", {call.Size(rate)}/s" : "")
                + (job.Error is { } error ? $": {error}" : "");
    }

    static void WriteRows(Invocation call, string name, IReadOnlyList<string> rows, bool silent = false)
    {
        if (rows.Count == 0 && !silent)
            WriteRow(call, name, "-");
        for (var i = 0; i < rows.Count; i++)
            WriteRow(call, i == 0 ? name : "", rows[i]);
    }

    static void WriteRow(Invocation call, string name, string text) =>
        call.Out.Write($"{(name.Length > 0 ? name + ":" : ""),12} {TextTable.Plain(text)}\n");
}
