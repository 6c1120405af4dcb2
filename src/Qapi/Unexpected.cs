namespace HostMemd.Qapi;

/// <summary>Finds a member that is not declared. Of several, QEMU names the first one of a GLib table.</summary>
public static class Unexpected
{
    /// <exception cref="QmpException">A member is not declared.</exception>
    public static void Check(Members given, Func<string, bool> known)
    {
        var strangers = 0;
        string? first = null;
        foreach (var (name, _) in given.Span)
        {
            if (known(name))
                continue;
            first ??= name;
            strangers++;
        }
        if (strangers == 0)
            return;
        if (strangers > 1)
        {
            // QEMU fills the table while it walks the object, so both orders matter.
            var names = QDictOrder.Sort(given).Select(m => m.Key).ToArray();
            first = GlibOrder.Walk(names).Select(i => names[i]).First(n => !known(n));
        }
        throw QmpErrors.ParameterUnexpected(first!);
    }
}
