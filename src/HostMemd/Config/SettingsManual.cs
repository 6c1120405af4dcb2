using System.Text;

namespace HostMemd.Config;

/// <summary>
/// Writes docs/settings.md: the options of the command line and the keys of the configuration file. The same tables give the same bytes.
/// </summary>
static class SettingsManual
{
    /// <summary>Returns the text of the page, in Markdown.</summary>
    public static string Write()
    {
        var text = new StringBuilder();
        text.Append("""
            # Options and settings

            <!-- Generated from tables. Do not edit: HOSTMEMD_UPDATE_DOCS=1 dotnet test tests/unit --filter SettingsManualTests -->

            Generated from the tables that the command line and the configuration file are read with; a test fails when it is stale.
            [deploy/hostmemd.json](../deploy/hostmemd.json) is the configuration file with every default.


            """);
        WriteOptions(text);
        WriteSettings(text);
        return text.ToString();
    }

    static void WriteOptions(StringBuilder text)
    {
        text.Append("""
            ## Command line

            `--NAME VALUE` and `--NAME=VALUE` are the same. Names may be cut short as long as they are unambiguous. Options that QEMU has
            are written as there. *Repeatable*: each use adds to those before; of the other options the last use stays.


            """);
        Row(text, "option", "what it does", "default", "key of the configuration file");
        Row(text, "---", "---", "---", "---");
        foreach (var option in OptionTable.All)
        {
            Row(text, $"`{option.Synopsis}`", option.Doc + (option.IsRepeatable ? " *Repeatable.*" : ""),
                option.Default ?? string.Join(", ", option.Keys.Where(key => key.Default != "[]").Select(DefaultOf)),
                string.Join(", ", option.Keys.Select(key => $"`{key.Path}`")));
        }
        text.Append("\nFor instance:\n\n```sh\nhostmemd")
            .AppendJoin("", OptionTable.All.Where(o => o.Example is not null).Select(o => $" \\\n    --{o.Name} '{o.Example}'"))
            .Append("\n```\n");
    }

    static void WriteSettings(StringBuilder text)
    {
        text.Append($"""

            ## Configuration file

            JSON with comments, `{ConfigFile.DefaultPath}` or what `--config` names. Names are compared without regard to case and
            hyphens; unknown ones are refused. Numbers may be texts with a suffix (`"16G"`). The command line wins. *Reload*: SIGHUP takes
            the value over, other keys need a restart.

            """);
        WriteKeys(text, SettingTable.All.Where(key => key.Section.Length == 0));
        foreach (var listed in SettingTable.All.Where(key => key.Members.Count > 0))
        {
            text.Append("\n### ").Append(listed.Name).Append("\n\nAn entry is a path, or an object:\n");
            WriteKeys(text, listed.Members);
        }
        foreach (var section in SettingTable.Sections)
        {
            text.Append("\n### ").Append(section.Path).Append("\n\n").Append(section.Doc).Append('\n');
            if (section.Path == LimitRow.Section)
                WriteLimits(text);
            else
                WriteKeys(text, SettingTable.All.Where(key => key.Section == section.Path));
        }
    }

    static void WriteKeys(StringBuilder text, IEnumerable<SettingKey> keys)
    {
        if (!keys.Any())
            return;
        text.Append('\n');
        Row(text, "key", "takes", "default", "reload", "meaning");
        Row(text, "---", "---", "---", "---", "---");
        foreach (var key in keys)
            Row(text, $"`{key.Name}`", key.Form, DefaultOf(key), key.Reloads ? "yes" : "", $"{key.Doc} For instance `{key.Example}`.");
    }

    static void WriteLimits(StringBuilder text)
    {
        text.Append("""
            All are reloaded. `query-memdev-limits` returns how much of each is used; a refusal has the limit's name and value.


            """);
        Row(text, "limit", "counts", "takes", "default", "meaning", "why");
        Row(text, "---", "---", "---", "---", "---", "---");
        foreach (var limit in LimitTable.All)
        {
            var unit = limit.Unit.ToString().ToLowerInvariant();
            Row(text, $"`{limit.Name}`", unit, limit.Range, $"`{limit.DefaultText}`", limit.Doc, limit.Why);
        }
    }

    static string DefaultOf(SettingKey key) => key.Default is { } value ? $"`{value}`" : key.DefaultText ?? "";

    static void Row(StringBuilder text, params ReadOnlySpan<string> cells)
    {
        foreach (var cell in cells)
            text.Append("| ").Append(cell.Replace("|", "\\|", StringComparison.Ordinal)).Append(cell.Length > 0 ? " " : "");
        text.Append("|\n");
    }
}
