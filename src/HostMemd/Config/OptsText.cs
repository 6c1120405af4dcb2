using HostMemd.Qapi;

namespace HostMemd.Config;

/// <summary>One <c>key=text</c>. <paramref name="Flag"/>: written without a text, which QEMU has deprecated.</summary>
readonly record struct OptText(string Key, string Text, bool Flag);

/// <summary>
/// Reads the text form of the command line: <c>TYPE,id=ID,key=value,flag,…</c>. Commas in a text are doubled. The order of the checks is
/// QEMU's, as seen in its answers (util/qemu-option.c splits the text, the opts visitor reads it).
/// </summary>
static class OptsText
{
    /// <summary>Splits a text at its commas.</summary>
    /// <param name="text">The option's argument.</param>
    /// <param name="first">The key of a first part without one; null where each part has its key.</param>
    public static IReadOnlyList<OptText> Split(string text, string? first)
    {
        var result = new List<OptText>();
        for (var at = 0; at < text.Length;)
        {
            var end = text.AsSpan(at).IndexOfAny('=', ',');
            end = end < 0 ? text.Length : at + end;
            if (end < text.Length && text[end] == '=')
            {
                var key = text[at..end];
                at = end + 1;
                result.Add(new(key, TakeText(text, ref at), Flag: false));
            }
            else if (first is not null && at == 0)
                result.Add(new(first, TakeText(text, ref at), Flag: false));
            else
            {
                result.Add(ToFlag(text[at..end]));
                at = end + 1;
            }
        }
        return result;
    }

    // Up to a single comma; a doubled one stands for itself.
    static string TakeText(string text, ref int at)
    {
        var start = at;
        while (at < text.Length && (text[at] != ',' || at + 1 < text.Length && text[at + 1] == ','))
            at += text[at] == ',' ? 2 : 1;
        var taken = text[start..at].Replace(",,", ",", StringComparison.Ordinal);
        at++;
        return taken;
    }

    static OptText ToFlag(string key) =>
        key.StartsWith("no", StringComparison.Ordinal) ? new(key[2..], "off", Flag: true) : new(key, "on", Flag: true);

    /// <summary>Whether one of the keys asks for help.</summary>
    public static bool AsksForHelp(IEnumerable<OptText> opts) => opts.Any(o => IsHelp(o.Key));

    /// <summary>Whether the word asks for help.</summary>
    public static bool IsHelp(string word) => word is "help" or "?";

    /// <summary>Returns the text of the last <paramref name="key"/>, or null.</summary>
    public static string? Last(IReadOnlyList<OptText> opts, string key)
    {
        for (var i = opts.Count - 1; i >= 0; i--)
        {
            if (opts[i].Key == key)
                return opts[i].Text;
        }
        return null;
    }

    /// <summary>Returns the arguments of <c>object-add</c> that the text stands for.</summary>
    /// <exception cref="QmpException">The text is wrong: the first fault in the order of the table.</exception>
    public static Value ToArguments(string text, QapiUnion types)
    {
        var opts = Split(text, "qom-type");
        // Of several ids QEMU takes the first; of everything else the last.
        var id = opts.Where(o => o.Key == "id").Select(o => o.Text).FirstOrDefault();
        if (id is not null && !Identifier.IsWellFormed(id))
            throw QmpErrors.BadIdentifier();
        var type = Last(opts, "qom-type") ?? throw QmpErrors.ParameterMissing("qom-type");
        var members = MembersOf(type, types);
        var result = new Members();
        result.Add("qom-type", Value.From(type));
        result.Add("id", Value.From(id ?? throw QmpErrors.ParameterMissing("id")));
        foreach (var member in members)
        {
            if (opts.Any(o => o.Key == member.Name))
            {
                var value = ToValue(opts, member);
                member.Type.Check(value, member.Name);
                result.Add(member.Name, value);
            }
            else if (!member.Optional)
                throw QmpErrors.ParameterMissing(member.Name);
        }
        RefuseUnknown(opts, result);
        return Value.From(result);
    }

    static IReadOnlyList<Member> MembersOf(string type, QapiUnion types)
    {
        var shape = (ObjectShape)types.Shape;
        if (shape.Members[0].Type.Shape is EnumShape tags && !tags.Values.Contains(type))
            throw QmpErrors.DoesNotAcceptValue("qom-type", type);
        return (shape.Variants?.FirstOrDefault(v => v.Case == type)?.Type.Shape as ObjectShape)?.Members ?? [];
    }

    // A list takes all texts of its key, anything else the last.
    static Value ToValue(IReadOnlyList<OptText> opts, Member member)
    {
        if (member.Type.Shape is not ArrayShape)
            return member.Type.FromText(Last(opts, member.Name)!, member.Name, TextForm.CommandLine);
        var items = new List<Value>();
        foreach (var opt in opts.Where(o => o.Key == member.Name))
            items.AddRange(ToRange(opt.Text, member));
        return Value.From(items);
    }

    static IReadOnlyList<Value> ToRange(string text, Member member)
    {
        try
        {
            if (text.Length > 0 && member.Type.FromText(text, member.Name, TextForm.CommandLine).TryList(out var range))
                return range;
        }
        catch (QmpException)
        {
            // QEMU has one error text for a number and for a range.
        }
        throw QmpErrors.Expects(member.Name, "a uint64 value or range");
    }

    // Of several unknown keys QEMU names the first one of a GLib table, into which it puts the id last.
    static void RefuseUnknown(IReadOnlyList<OptText> opts, Members known)
    {
        if (opts.All(o => known.Contains(o.Key)))
            return;
        string[] names = [.. opts.Select(o => o.Key).Where(k => k != "id").Distinct(StringComparer.Ordinal), "id"];
        throw QmpErrors.InvalidParameter(GlibOrder.Walk(names).Select(i => names[i]).First(n => !known.Contains(n)));
    }
}
