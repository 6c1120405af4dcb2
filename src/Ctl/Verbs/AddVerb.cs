using System.Globalization;
using HostMemd.Client;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Makes an object. With <c>--fill</c> it is there filled or not at all.</summary>
static class AddVerb
{
    const string Help = "help";

    static readonly OperandRow s_id = new("ID", "The new object's name.", Sources.Nothing);
    static readonly OperandRow s_kind = new("KIND", "memfd, ram, shm, file or thread-context; help lists them.", Sources.Kinds);
    static readonly OperandRow s_rest = new("SIZE|KEY=VALUE", "The size, as 4G, and properties; help lists those of KIND.",
        Sources.NewProperties)
    { IsOptional = true, IsMany = true };
    static readonly OptionRow s_fill = new("fill", '\0', "THREADS", "Fill it, with so many threads if they are given.")
    { IsValueOptional = true };
    static readonly OptionRow s_hugetlb = new("hugetlb", '\0', "2M|1G", "Use huge pages, of that size if it is given.",
        Sources.Of("2M", "1G"))
    { IsValueOptional = true };
    static readonly OptionRow s_nodes = new("nodes", '\0', "LIST",
        "Use these NUMA nodes, as 0 or 0-1,3; bound to them unless --policy says otherwise.");
    static readonly OptionRow s_policy = new("policy", '\0', "P", "How the nodes are used: default, preferred, bind or interleave.",
        Sources.Of("default", "preferred", "bind", "interleave"));
    static readonly OptionRow s_path = new("path", '\0', "FILE", "The file, or the directory to make one in.", Sources.Files);

    public static readonly VerbRow Row = new("add", "Make memory, or a thread-context.", RunAsync)
    {
        Operands = [s_id, s_kind, s_rest],
        Options = [s_fill, s_hugetlb, s_nodes, s_policy, s_path],
        Details =
        [
            "The options stand for properties: --fill for prealloc and prealloc-threads, --hugetlb for hugetlb and hugetlbsize, --nodes "
                + "for host-nodes, --path for mem-path.",
            "Memory that cannot be filled, or whose filling is interrupted, is not made.",
        ],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        var (id, kind) = (call.Word(s_id), call.Word(s_kind));
        if (kind == Help)
        {
            TextTable.Write(call.Terminal, [new("KIND", (Kind k) => k.Short), new("TYPE", k => k.Type), new("MEANING", k => k.Help)],
                Kind.All, call.HasLegend);
            return ExitStatus.Done;
        }
        var type = Kind.TypeOf(kind);
        if (Kind.All.All(k => k.Type != type) && Similar.To(kind, Kind.All.Select(k => k.Short)) is { } meant)
            throw CtlException.Usage($"unknown kind '{kind}'; did you mean '{meant}'?");
        using var client = await call.ConnectAsync(outOfBand: true).ConfigureAwait(false);
        var words = call.Words(s_rest);
        var known = await KnownAsync(client, kind, type, words).ConfigureAwait(false);
        if (words is [Help])
        {
            TextTable.Write(call.Terminal, [new("KEY", (Property p) => p.Name), new("TYPE", p => p.IsList ? "list" : p.Type),
                new("MEANING", p => p.Description ?? "")],
                known, call.HasLegend);
            return ExitStatus.Done;
        }
        var properties = Read(words, known, kind);
        AddOptions(call, properties);
        var work = client.AddObjectAsync(type, id, properties);
        await ImplicitFilling.WaitAsync(call, client, id, work, "nothing was made").ConfigureAwait(false);
        call.Say(properties.TryGet("size", out var size) && size.TryBits(out var bytes)
            ? $"{id} made: {call.Size(bytes)}{(call.Has(s_fill) ? ", filled" : "")}" : $"{id} made");
        return ExitStatus.Done;
    }

    // Only where a property is named: for a size alone nothing need be asked.
    static async Task<IReadOnlyList<Property>> KnownAsync(HostMemdClient client, string kind, string type, IReadOnlyList<string> words)
    {
        if (!words.Any(w => w == Help || w.Contains('=', StringComparison.Ordinal)))
            return [];
        try
        {
            return Properties.Read(await client.ExecuteAsync("qom-list-properties", new() { { "typename", Value.From(type) } })
                .ConfigureAwait(false));
        }
        catch (QmpException refusal) when (refusal.Class == ErrorClass.DeviceNotFound)
        {
            throw Mistake.Unknown("kind", kind, Kind.All.Select(k => k.Short), "'hostmemctl add ID help' lists them");
        }
    }

    static Members Read(IReadOnlyList<string> words, IReadOnlyList<Property> known, string kind)
    {
        var properties = new Members();
        foreach (var word in words)
        {
            if (!word.Contains('=', StringComparison.Ordinal))
            {
                if (!properties.TryAdd("size", Value.From(Sizes.Parse(word))))
                    throw CtlException.Usage($"'{word}': the size is there already");
                continue;
            }
            var (key, text) = Properties.Split(word);
            if (!properties.TryAdd(key, Properties.Find(known, key, kind).Read(text)))
                throw CtlException.Usage($"property '{key}' is there twice");
        }
        return properties;
    }

    static void AddOptions(Invocation call, Members properties)
    {
        if (call.Has(s_fill))
        {
            Set("prealloc", Value.From(true));
            if (call.Value(s_fill) is { } threads && threads != OptionRow.Default)
                Set("prealloc-threads", Value.From((long)(call.Number(s_fill, 1, 65535) ?? 1)));
        }
        if (call.Has(s_hugetlb))
        {
            Set("hugetlb", Value.From(true));
            if (call.Value(s_hugetlb) is { } size && size != OptionRow.Default)
                Set("hugetlbsize", Value.From(Sizes.Parse(size)));
        }
        if (call.Value(s_nodes) is { } nodes)
        {
            Set("host-nodes", new Property("host-nodes", "", null).Read(nodes));
            if (!call.Has(s_policy))
                Set("policy", Value.From("bind"));
        }
        if (call.Value(s_policy) is { } policy)
            Set("policy", Value.From(policy));
        if (call.Value(s_path) is { } path)
            // The daemon has another working directory; of another host's files nothing is known here.
            Set("mem-path", Value.From(call.Daemon.IsRemote ? path : Path.GetFullPath(path)));

        void Set(string key, Value value)
        {
            if (!properties.TryAdd(key, value))
                throw CtlException.Usage(string.Create(CultureInfo.InvariantCulture, $"property '{key}' is there twice"));
        }
    }
}
