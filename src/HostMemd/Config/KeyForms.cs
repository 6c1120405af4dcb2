namespace HostMemd.Config;

/// <summary>Keys of the forms that several settings have.</summary>
static class KeyForms
{
    /// <summary>A key that is true or false.</summary>
    public static SettingKey<T> Flag<T>(string path, bool value, string doc, Func<T, bool, T> set) => new()
    {
        Path = path,
        Form = "`true` or `false`",
        Default = value ? "true" : "false",
        Example = value ? "false" : "true",
        Doc = doc,
        Read = (options, section, name) => section.Flag(name) is { } flag ? set(options, flag) : options,
    };

    /// <summary>A key that is a text.</summary>
    public static SettingKey<T> Text<T>(string path, string form, string example, string doc, Func<T, string, T> set) => new()
    {
        Path = path,
        Form = form,
        DefaultText = "none",
        Example = $"\"{example}\"",
        Doc = doc,
        Read = (options, section, name) => section.Text(name) is { } text ? set(options, text) : options,
    };

    /// <summary>A list of users or groups, which SIGHUP reloads.</summary>
    /// <param name="find">Finds the id of a name.</param>
    public static SettingKey<AccessOptions> Ids(
        string path, string doc, ConfigSection.FindId find, Func<AccessOptions, IReadOnlyList<uint>, AccessOptions> set) => new()
        {
            Path = path,
            Form = "list of names and numbers",
            Default = "[]",
            Example = "[ \"root\", 1000 ]",
            Doc = doc,
            Reloads = true,
            Read = (access, section, name) => section.Has(name) ? set(access, section.Ids(name, find)) : access,
        };

    /// <summary>A user or group.</summary>
    /// <param name="find">Finds the id of a name.</param>
    public static SettingKey<AccessOptions> Id(
        string path, string doc, ConfigSection.FindId find, Func<AccessOptions, uint, AccessOptions> set) => new()
        {
            Path = path,
            Form = "name or number",
            DefaultText = "the daemon's own",
            Example = "\"root\"",
            Doc = doc,
            Reloads = true,
            Read = (access, section, name) => section.Id(name, find) is { } id ? set(access, id) : access,
        };

    /// <summary>The same key in options that have a <typeparamref name="T"/>.</summary>
    public static SettingKey<HostMemdOptions> In<T>(
        this SettingKey<T> key, Func<HostMemdOptions, T> part, Func<HostMemdOptions, T, HostMemdOptions> set) => new()
        {
            Path = key.Path,
            Form = key.Form,
            Default = key.Default,
            DefaultText = key.DefaultText,
            Example = key.Example,
            Doc = key.Doc,
            Reloads = key.Reloads,
            IsRequired = key.IsRequired,
            Members = key.Members,
            Read = (options, section, name) => set(options, key.Read(part(options), section, name)),
        };
}
