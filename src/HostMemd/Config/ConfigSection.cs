using System.Globalization;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Config;

/// <summary>
/// One object of the configuration file. Keys take members by name; a member that no key took is an error that names it. Names are
/// compared without regard to case and hyphens: <c>MemMerge</c> and <c>mem-merge</c> are one.
/// </summary>
sealed class ConfigSection
{
    readonly string _path;
    readonly string _prefix;
    readonly Dictionary<string, (string Name, Value Value)> _left = new(StringComparer.OrdinalIgnoreCase);

    /// <summary>Looks up the id of a user or group by name: null when the system has none of that name.</summary>
    public delegate Errno FindId(string name, out uint? id);

    /// <param name="path">The file, as error lines name it.</param>
    /// <param name="prefix">The way to this object: empty, or <c>Limits.</c></param>
    public ConfigSection(string path, string prefix, Members members)
    {
        _path = path;
        _prefix = prefix;
        foreach (var (name, value) in members)
        {
            if (!_left.TryAdd(Plain(name), (name, value)))
                throw Wrong(name, "is there twice");
        }
    }

    static string Plain(string name) => name.Replace("-", "", StringComparison.Ordinal);

    /// <summary>The names that are left, as they are written.</summary>
    public IReadOnlyList<string> Names => [.. _left.Values.Select(m => m.Name)];

    /// <summary>Whether the member is there and no key took it yet.</summary>
    public bool Has(string name) => _left.ContainsKey(Plain(name));

    /// <summary>Removes a member and returns its value; null when it is not there.</summary>
    public Value? Take(string name) => _left.Remove(Plain(name), out var found) ? found.Value : null;

    /// <exception cref="StartException">A member is left: no key has its name.</exception>
    public void NoMore()
    {
        foreach (var (name, _) in _left.Values)
            throw Wrong(name, "is unknown");
    }

    /// <summary>The member as error lines name it: the file and the way to the member.</summary>
    public string Describe(string name) => $"{_path}: {_prefix}{name}";

    /// <summary>The error that a member's value is refused.</summary>
    public StartException Wrong(string name, string what) => new($"{Describe(name)} {what}");

    /// <summary>An entry of a list, <paramref name="name"/> being <c>Sockets[0]</c>.</summary>
    public ConfigSection Entry(string name, Members members) => new(_path, $"{_prefix}{name}.", members);

    /// <summary>The object that a member is; null when it is not there.</summary>
    public ConfigSection? Sub(string name)
    {
        if (Take(name) is not { } value)
            return null;
        return value.TryObject(out var members)
            ? Entry(name, members)
            : throw Wrong(name, "is no object");
    }

    /// <summary>A text; null when it is not there.</summary>
    public string? Text(string name)
    {
        if (Take(name) is not { } value)
            return null;
        return value.TryString(out var text) ? text : throw Wrong(name, "is no string");
    }

    /// <summary>A truth value; null when it is not there.</summary>
    public bool? Flag(string name)
    {
        if (Take(name) is not { } value)
            return null;
        return value.TryBool(out var flag) ? flag : throw Wrong(name, "is neither true nor false");
    }

    /// <summary>A list; null when it is not there.</summary>
    public IReadOnlyList<Value>? List(string name)
    {
        if (Take(name) is not { } value)
            return null;
        return value.TryList(out var items) ? items : throw Wrong(name, "is no list");
    }

    /// <summary>A number, also as a text with a suffix: <c>"16G"</c>; null when it is not there.</summary>
    public ulong? Number(string name, ulong least, ulong most)
    {
        if (Take(name) is not { } value)
            return null;
        ulong number = 0;
        var read = value.TryString(out var text) ? Numbers.TryParseSize(text, out number)
            : value.TryBits(out number) && !(value.TryInt(out var signed) && signed < 0);
        if (read && number >= least && number <= most)
            return number;
        throw Wrong(name, string.Create(CultureInfo.InvariantCulture, $"is no number from {least} to {most}"));
    }

    /// <summary>Permission bits as <c>"0660"</c>. A JSON number is refused: 660 would be taken for decimal.</summary>
    public uint? Octal(string name, uint most)
    {
        if (Text(name) is not { } text)
            return null;
        var isOctal = text.Length is > 0 and <= 5 && text.All(c => c is >= '0' and <= '7');
        return isOctal && Convert.ToUInt32(text, 8) is var bits && bits <= most
            ? bits
            : throw Wrong(name, $"is '{text}', not octal permission bits such as 0660");
    }

    /// <summary>A user or group: a number, or a name that <paramref name="find"/> knows.</summary>
    public uint? Id(string name, FindId find) => Take(name) is { } value ? ToId(name, value, find) : null;

    /// <summary>A list of users or groups; empty when it is not there.</summary>
    public IReadOnlyList<uint> Ids(string name, FindId find) =>
        [.. (List(name) ?? []).Select(item => ToId(name, item, find))];

    uint ToId(string name, Value value, FindId find)
    {
        // 2^32-1 is no id: chown(2) takes it for "leave as it is".
        if (value.TryInt(out var number))
            return number is >= 0 and < uint.MaxValue ? (uint)number : throw Wrong(name, $"is {number}, which is no id");
        if (!value.TryString(out var text))
            throw Wrong(name, "is neither a name nor a number");
        var errno = find(text, out var id);
        if (errno.Failed)
            throw Wrong(name, $"has '{text}', which cannot be looked up: {errno.Text}");
        return id ?? throw Wrong(name, $"has '{text}', whom this system does not know");
    }

    /// <summary>A list of absolute paths; empty when it is not there.</summary>
    public IReadOnlyList<string> Directories(string name)
    {
        var result = new List<string>();
        foreach (var item in List(name) ?? [])
        {
            if (!item.TryString(out var path) || !Path.IsPathRooted(path) || path.Contains('\0'))
                throw Wrong(name, "has an entry that is no absolute path");
            result.Add(path);
        }
        return result;
    }
}
