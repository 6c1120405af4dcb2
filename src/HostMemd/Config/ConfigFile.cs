using HostMemd.Backend.Memory;
using HostMemd.Qapi;

namespace HostMemd.Config;

/// <summary>The configuration file: JSON with comments. deploy/hostmemd.json shows every setting.</summary>
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

    /// <param name="path">What error lines call the file.</param>
    public static HostMemdOptions Parse(string path, byte[] text)
    {
        JsonInput.BlankByteOrderMark(path, text);
        JsonInput.BlankComments(text);
        var root = new ConfigSection(path, "", ReadRoot(path, text));
        var options = new HostMemdOptions();
        options = options with
        {
            Sockets = [.. (root.List("Sockets") ?? []).Select((item, i) => ReadSocket(path, $"Sockets[{i}].", item))],
            Objects = [.. (root.List("Objects") ?? []).Select((item, i) => ReadObject(path, i, item))],
            Machine = ReadMachine(root.Sub("Machine"), options.Machine) with { Globals = ReadGlobals(root) },
            Limits = In(root, "Limits", LimitOptions.Read) ?? options.Limits,
            Access = In(root, "Access", AccessOptions.Read) ?? options.Access,
            Log = In(root, "Serilog", LogOptions.Read) ?? options.Log,
        };
        root.NoMore();
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

    static T? In<T>(ConfigSection root, string name, Func<ConfigSection, T> read) where T : class
    {
        if (root.Sub(name) is not { } section)
            return null;
        var result = read(section);
        section.NoMore();
        return result;
    }

    /// <summary><c>{ "Path": …, "Pretty": …, "Abstract": …, "Tight": … }</c>, or the path alone.</summary>
    static SocketOptions ReadSocket(string path, string prefix, Value item)
    {
        if (item.TryString(out var alone) && alone.Length > 0)
            return SocketOptions.Read(alone, pretty: false, null, null);
        if (!item.TryObject(out var members))
            throw new StartException($"{path}: {prefix.TrimEnd('.')} is neither a path nor an object");
        var section = new ConfigSection(path, prefix, members);
        var found = section.Text("Path");
        if (string.IsNullOrEmpty(found))
            throw section.Wrong("Path", "is missing");
        var socket = SocketOptions.Read(found, section.Flag("Pretty") ?? false, section.Flag("Abstract"), section.Flag("Tight"));
        section.NoMore();
        return socket;
    }

    static ConfiguredObject ReadObject(string path, int index, Value item) => item.TryString(out var text)
        ? new($"{path}: Objects[{index}]", text, Value.Null)
        : item.TryObject(out _) ? new($"{path}: Objects[{index}]", null, item)
        : throw new StartException($"{path}: Objects[{index}] is neither a text nor an object");

    static MachineDefaults ReadMachine(ConfigSection? section, MachineDefaults defaults)
    {
        if (section is null)
            return defaults;
        var machine = defaults with
        {
            MemMerge = section.Flag("MemMerge") ?? defaults.MemMerge,
            DumpGuestCore = section.Flag("DumpGuestCore") ?? defaults.DumpGuestCore,
            MemPrealloc = section.Flag("MemPrealloc") ?? defaults.MemPrealloc,
            Cpus = (uint?)section.Number("Smp", 1, CommandLine.MaxCpus) ?? defaults.Cpus,
        };
        section.NoMore();
        return machine;
    }

    /// <summary>Each <c>"TYPE.PROPERTY=VALUE"</c>, as behind <c>--global</c>.</summary>
    static IReadOnlyList<GlobalProperty> ReadGlobals(ConfigSection root)
    {
        var result = new List<GlobalProperty>();
        foreach (var item in root.List("Globals") ?? [])
        {
            if (!item.TryString(out var text))
                throw root.Wrong("Globals", "has an entry that is no text");
            try
            {
                result.Add(CommandLine.ReadGlobal(text));
            }
            catch (StartException wrong)
            {
                throw root.Wrong("Globals", $"has '{text}': {wrong.Message}");
            }
        }
        return result;
    }
}
