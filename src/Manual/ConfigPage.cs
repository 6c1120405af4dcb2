using HostMemd.Config;

namespace HostMemd.Manual;

/// <summary>hostmemd.json(5), from the keys that the configuration file is read with.</summary>
static class ConfigPage
{
    public static string Write()
    {
        var page = new Mdoc("hostmemd.json", 5, "configuration of hostmemd");
        page.Section("DESCRIPTION");
        page.Text($"{ConfigFile.DefaultPath}, or the file that the option --config of");
        page.Macro("Xr hostmemd 8");
        page.Text("names, is JSON with comments.");
        page.Text("Names are compared without regard to case and hyphens; unknown ones are refused. Numbers of bytes may have a suffix, as \"16G\". The command line wins.");
        page.Text("A new value of a key that is marked 'reloaded' is taken over at SIGHUP; others need a restart.");
        page.Section("KEYS");
        WriteKeys(page, SettingTable.All.Where(key => key.Section.Length == 0));
        foreach (var section in SettingTable.Sections)
        {
            page.Subsection(section.Path);
            page.Text(section.Doc);
            WriteKeys(page, SettingTable.All.Where(key => key.Section == section.Path));
        }
        page.Section("FILES");
        page.List([ConfigFile.DefaultPath], f => "Pa " + Mdoc.Argument(f), _ => page.Text("Need not be there."));
        page.Section("EXAMPLES");
        page.Text("Memory for two guests that clients of the group kvm may use, and no more of it:");
        page.Literal(["{", "  \"Objects\": [ \"memory-backend-memfd,id=vm1,size=4G\", \"memory-backend-memfd,id=vm2,size=4G\" ],",
            "  \"Access\": { \"AdminGids\": [ \"kvm\" ] },", "  \"Limits\": { \"BytesTotal\": \"8G\" }", "}"]);
        page.Section("SEE ALSO");
        page.Macro("Xr hostmemd 8");
        return page.ToString();
    }

    static void WriteKeys(Mdoc page, IEnumerable<SettingKey> keys) => page.List(keys, k => "Va " + Mdoc.Argument(k.Name), key =>
    {
        page.Text(key.Doc);
        page.Text($"Takes {key.Form}; for instance {key.Example}." + (DefaultOf(key) is { } text ? $" Default: {text}." : "") + (key.Reloads ? " Reloaded." : ""));
        WriteKeys(page, key.Members);
    });

    static string? DefaultOf(SettingKey key) => key.Default is { Length: > 0 } value ? value : key.DefaultText;
}
