using HostMemd.Qapi;

namespace HostMemd.Config;

/// <summary>The configuration file: JSON with comments. <see cref="SettingTable"/> has its keys, deploy/hostmemd.json shows them.</summary>
static class ConfigFile
{
    public const string DefaultPath = "/etc/hostmemd/hostmemd.json";

    /// <summary>Reads <paramref name="path"/>, or without one the default file if it is there.</summary>
    /// <exception cref="StartException">It cannot be read, or a setting is wrong.</exception>
    public static HostMemdOptions Read(string? path)
    {
        if (path is null && !File.Exists(DefaultPath))
            return new();
        path ??= DefaultPath;
        try
        {
            return Parse(path, File.ReadAllBytes(path));
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new StartException(failure is FileNotFoundException or DirectoryNotFoundException
                ? $"{path}: No such file or directory"
                : failure.Message);
        }
    }

    /// <summary>Reads the text of a file.</summary>
    /// <param name="path">The name of the file in error lines.</param>
    /// <param name="text">UTF-8; comments are overwritten with blanks.</param>
    /// <exception cref="StartException">The text is no JSON, or a setting is wrong.</exception>
    public static HostMemdOptions Parse(string path, byte[] text)
    {
        JsonInput.BlankByteOrderMark(path, text);
        JsonInput.BlankComments(text);
        return Take(new ConfigSection(path, "", ReadRoot(path, text)), "", SettingTable.All, new HostMemdOptions());
    }

    /// <summary>Reads a section and those below it; refuses what no key has read.</summary>
    /// <param name="section">The section.</param>
    /// <param name="path">The beginning of its keys' paths: empty, or <c>Machine.</c></param>
    /// <param name="keys">Keys of this section, and of others.</param>
    /// <param name="options">Where the keys write.</param>
    public static T Take<T>(ConfigSection section, string path, IReadOnlyList<SettingKey<T>> keys, T options)
    {
        var below = keys.Where(key => key.Path.StartsWith(path, StringComparison.Ordinal));
        foreach (var name in below.GroupBy(key => key.Path[path.Length..].Split('.')[0]))
        {
            var key = name.First();
            if (key.Path.Length == path.Length + name.Key.Length)
            {
                if (key.IsRequired && !section.Has(name.Key))
                    throw section.Wrong(name.Key, "is missing");
                options = key.Read(options, section, name.Key);
            }
            else if (section.Sub(name.Key) is { } sub)
                options = Take(sub, $"{path}{name.Key}.", keys, options);
        }
        section.NoMore();
        return options;
    }

    static Members ReadRoot(string path, byte[] text)
    {
        try
        {
            return JsonInput.Read(text).TryObject(out var members) ? members : throw new StartException("is no JSON object");
        }
        catch (StartException wrong)
        {
            throw new StartException($"{path}: {wrong.Message}");
        }
    }
}
