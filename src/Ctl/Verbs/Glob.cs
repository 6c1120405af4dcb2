namespace HostMemd.Ctl.Verbs;

/// <summary>Names with the wildcards of glob(7), <c>*</c> and <c>?</c>.</summary>
static class Glob
{
    public static bool IsPattern(string text) => text.AsSpan().ContainsAny('*', '?');

    public static bool Fits(ReadOnlySpan<char> pattern, ReadOnlySpan<char> name)
    {
        while (pattern.Length > 0 && pattern[0] != '*')
        {
            if (name.IsEmpty || (pattern[0] != '?' && pattern[0] != name[0]))
                return false;
            pattern = pattern[1..];
            name = name[1..];
        }
        if (pattern.IsEmpty)
            return name.IsEmpty;
        pattern = pattern.TrimStart('*');
        for (var i = 0; i <= name.Length; i++)
        {
            if (Fits(pattern, name[i..]))
                return true;
        }
        return false;
    }
}
