using System.Text;

namespace HostMemd.Config;

/// <summary>Writes deploy/hostmemd.json: every key with its default and what it means. The same tables give the same bytes.</summary>
static class SampleFile
{
    const int Width = 118;

    const string Introduction = "HostMemd's settings: /etc/hostmemd/hostmemd.json, or what --config names. Everything may be left out; "
        + "what is shown is the default unless it says otherwise. The command line wins. SIGHUP (systemctl reload) takes over Limits, "
        + "Access and Serilog's levels; the rest needs a restart. A name that is not known, or a value out of bounds, stops the start with a "
        + "line that names it.";

    const string Origin = "// Generated from the tables of the source: see CONTRIBUTING.md.\n";

    /// <summary>Returns the text of the file.</summary>
    public static string Write()
    {
        var text = new StringBuilder();
        Comment(text, "", Introduction);
        text.Append(Origin);
        WriteObject(text, "", "");
        return text.Append('\n').ToString();
    }

    // The entries of an object, keys and sections in the order of the table. A key without a default stands as a comment.
    static void WriteObject(StringBuilder text, string path, string indent)
    {
        var prefix = path.Length == 0 ? "" : path + ".";
        string[] names = [.. SettingTable.All.Where(key => key.Path.StartsWith(prefix, StringComparison.Ordinal))
            .Select(key => key.Path[prefix.Length..].Split('.')[0]).Distinct()];
        var last = Array.FindLastIndex(names, name => IsWritten(prefix + name));
        text.Append("{\n");
        for (var i = 0; i < names.Length; i++)
        {
            if (i > 0 && path.Length == 0)
                text.Append('\n');
            WriteEntry(text, prefix + names[i], names[i], indent + "  ", last.CompareTo(i));
        }
        text.Append(indent).Append('}');
    }

    // before: whether an entry that is no comment follows (above 0), this is the last one (0), or it was before (below 0).
    static void WriteEntry(StringBuilder text, string path, string name, string indent, int before)
    {
        var key = SettingTable.All.FirstOrDefault(k => k.Path == path);
        var doc = key is null ? SettingTable.Sections.First(section => section.Path == path).Doc
            : key.Default is "true" or "false" ? key.Doc
            : $"{key.Doc} ({key.Form})";
        Comment(text, indent, doc + (key?.DefaultText is { } words && !key.IsRequired ? $" Default: {words}." : ""));
        if (key?.Default is "[]" or "{}")
            Comment(text, indent, $"For instance {key.Example}");
        foreach (var member in key?.Members ?? [])
            Comment(text, indent, $"- \"{member.Name}\": {member.Doc} ({member.Form})");
        if (IsWritten(path))
        {
            text.Append(indent).Append('"').Append(name).Append("\": ");
            if (key is null)
                WriteObject(text, path, indent);
            else
                text.Append(key.Default);
            text.Append(before > 0 ? ",\n" : "\n");
            return;
        }
        text.Append(indent).Append(before < 0 ? "// , " : "// ")
            .Append($"\"{name}\": {key?.Example ?? ExampleOf(path)}").Append(before > 0 ? ",\n" : "\n");
    }

    // A section as one line.
    static string ExampleOf(string section)
    {
        var keys = SettingTable.All.Where(key => key.Section == section).Select(key => $"\"{key.Name}\": {key.Default ?? key.Example}");
        return $"{{ {string.Join(", ", keys)} }}";
    }

    static bool IsWritten(string path) => SettingTable.All.FirstOrDefault(key => key.Path == path) is { } key
        ? key.Default is not null
        : !SettingTable.All.Any(below => below.Section == path && below.IsRequired);

    static void Comment(StringBuilder text, string indent, string words)
    {
        var line = new StringBuilder(indent).Append("//");
        foreach (var word in words.Replace("`", "", StringComparison.Ordinal).Split(' '))
        {
            if (line.Length + 1 + word.Length > Width)
            {
                text.Append(line).Append('\n');
                line.Clear().Append(indent).Append("//");
            }
            line.Append(' ').Append(word);
        }
        text.Append(line).Append('\n');
    }
}
