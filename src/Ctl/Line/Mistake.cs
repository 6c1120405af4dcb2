using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Verbs;

namespace HostMemd.Ctl.Line;

/// <summary>What to say of a wrong command line: what is wrong, and what the user may have meant.</summary>
static class Mistake
{
    public static CtlException UnknownVerb(string word) => Unknown("verb", word,
        VerbTable.Shown.SelectMany(v => v.Aliases.Prepend(v.Name)), "'hostmemctl --help' lists the verbs");

    public static CtlException UnknownOption(string word, VerbRow? verb, bool hasTail)
    {
        var name = word.Split('=')[0];
        if (verb is not null && !hasTail && verb.Operands.Any(o => o.IsBehind))
            return CtlException.Usage($"unknown option '{name}'; the command and its options come behind '--'");
        var known = GlobalOptions.All.Concat(verb?.Options ?? []).Select(o => o.Long);
        var help = verb is null ? "'hostmemctl --help' lists the options" : $"'hostmemctl {verb.Name} --help' lists the options";
        return Unknown("option", name, known, help);
    }

    /// <summary>A word that is none of those known.</summary>
    /// <param name="what">What kind of word it is.</param>
    /// <param name="word">The word.</param>
    /// <param name="known">Those that there are.</param>
    /// <param name="otherwise">Where to look when none is similar.</param>
    public static CtlException Unknown(string what, string word, IEnumerable<string> known, string otherwise) =>
        CtlException.Usage(Similar.To(word, known) is { } meant ? $"unknown {what} '{word}'; did you mean '{meant}'?"
            : $"unknown {what} '{word}'; {otherwise}");

    /// <exception cref="CtlException">There are too few or too many words.</exception>
    public static void CheckNumber(VerbRow verb, int words)
    {
        var least = verb.Operands.Count(o => !o.IsOptional);
        if (words < least)
            throw CtlException.Usage(
                $"{verb.Name}: {verb.Operands.Where(o => !o.IsOptional).ElementAt(words).Name} is missing: hostmemctl {verb.Usage}");
        if (words > verb.Operands.Count && !verb.Operands.Any(o => o.IsMany))
            throw CtlException.Usage($"{verb.Name}: one word too many: hostmemctl {verb.Usage}");
    }
}
