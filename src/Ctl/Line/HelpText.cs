using System.Text;
using HostMemd.Ctl.Verbs;

namespace HostMemd.Ctl.Line;

/// <summary>The help, read from the rows.</summary>
static class HelpText
{
    public const string Summary = "Makes, fills, lends and deletes guest memory that hostmemd owns, and shows it.";

    // Descriptions begin here unless what they describe is longer.
    const int Column = 24;

    const int Width = 80;

    public static string OfAll()
    {
        var text = new StringBuilder("Usage: hostmemctl [OPTION]... VERB ...\n").Append(Summary).Append("\n\nVerbs:\n");
        foreach (var verb in VerbTable.Shown)
            Append(text, string.Join(' ', verb.Operands.Select(o => o.ToString()).Prepend(
                string.Join('|', verb.Aliases.Prepend(verb.Name)))), verb.Help);
        text.Append("\nOptions:\n");
        AppendOptions(text, GlobalOptions.All);
        return text.Append("\n'hostmemctl VERB --help' says more of a verb, hostmemctl(1) everything.\n").ToString();
    }

    /// <summary>For a line without a verb.</summary>
    public static string Short() =>
        $"Usage: hostmemctl [OPTION]... VERB ...\nVerbs: {string.Join(' ', VerbTable.Shown.Select(v => v.Name))}\n"
        + "'hostmemctl --help' says more.\n";

    public static string Of(VerbRow verb)
    {
        var text = new StringBuilder($"Usage: hostmemctl {verb.Usage}\n{verb.Help}\n");
        foreach (var detail in verb.Details)
            AppendWrapped(text, detail);
        if (verb.Operands.Count > 0)
            text.Append('\n');
        foreach (var operand in verb.Operands)
            Append(text, operand.Name, operand.Help);
        if (verb.Options.Count > 0)
            text.Append("\nOptions:\n");
        AppendOptions(text, verb.Options);
        return text.Append("\n'hostmemctl --help' lists the options of every verb.\n").ToString();
    }

    static void AppendWrapped(StringBuilder text, string sentence)
    {
        var length = 0;
        foreach (var word in sentence.Split(' '))
        {
            if (length > 0 && length + 1 + word.Length > Width)
            {
                text.Append('\n');
                length = 0;
            }
            text.Append(length > 0 ? " " : "").Append(word);
            length += word.Length + (length > 0 ? 1 : 0);
        }
        text.Append('\n');
    }

    static void AppendOptions(StringBuilder text, IReadOnlyList<OptionRow> options)
    {
        foreach (var option in options)
            Append(text, option.Short is { } letter ? $"{letter}, {option.Usage}" : $"    {option.Usage}", option.Help);
    }

    static void Append(StringBuilder text, string what, string help)
    {
        text.Append("  ").Append(what);
        if (what.Length > Column - 2)
            text.Append('\n').Append(' ', Column + 2);
        else
            text.Append(' ', Column - what.Length);
        text.Append(help).Append('\n');
    }
}
