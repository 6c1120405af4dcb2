namespace HostMemd.Qapi;

/// <summary>The names that clients may give to objects and jobs.</summary>
public static class Identifier
{
    /// <summary>A letter, then letters, digits, '-', '.' and '_' of ASCII (QEMU: id_wellformed).</summary>
    public static bool IsWellFormed(string id)
    {
        if (id.Length == 0 || !char.IsAsciiLetter(id[0]))
            return false;
        foreach (var c in id)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '_'))
                return false;
        }
        return true;
    }
}
