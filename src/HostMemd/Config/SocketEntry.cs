namespace HostMemd.Config;

/// <summary>An object in the list <c>Sockets</c> of the configuration file, as it is read.</summary>
sealed record SocketEntry
{
    string _path = "";
    bool _pretty;
    bool? _abstract, _tight;
    SocketProtocol _protocol = SocketProtocol.Qmp;

    /// <summary>The members of an entry.</summary>
    public static IReadOnlyList<SettingKey<SocketEntry>> Keys { get; } =
    [
        new()
        {
            Path = "Sockets[].Path",
            Form = "path or `@NAME`",
            DefaultText = "required",
            Example = "\"/run/hostmemd/qmp.sock\"",
            Doc = "Where the socket is.",
            IsRequired = true,
            Read = (entry, section, name) =>
                section.Text(name) is { Length: > 0 } path ? entry with { _path = path } : throw section.Wrong(name, "is missing"),
        },
        KeyForms.Flag<SocketEntry>("Sockets[].Pretty", false, "Replies are indented, for people.",
            (entry, value) => entry with { _pretty = value }),
        KeyForms.Flag<SocketEntry>("Sockets[].Abstract", false, "The path is the name of an abstract socket; QEMU's `abstract`.",
            (entry, value) => entry with { _abstract = value }),
        KeyForms.Flag<SocketEntry>("Sockets[].Tight", true, "An abstract name is not padded with NULs; QEMU's `tight`.",
            (entry, value) => entry with { _tight = value }),
        new()
        {
            Path = "Sockets[].Protocol",
            Form = string.Join(" or ", SocketProtocol.All.Select(p => $"`\"{p.Name}\"`")),
            Default = $"\"{SocketProtocol.Qmp.Name}\"",
            Example = $"\"{SocketProtocol.All[^1].Name}\"",
            Doc = "What clients of the socket speak.",
            Read = (entry, section, name) => section.Text(name) is { } text ? entry with { _protocol = Find(section, name, text) } : entry,
        },
    ];

    public SocketOptions ToOptions() => SocketOptions.Read(_path, _pretty, _abstract, _tight) with { Protocol = _protocol };

    static SocketProtocol Find(ConfigSection section, string name, string text) =>
        SocketProtocol.All.FirstOrDefault(p => p.Name == text)
        ?? throw section.Wrong(name, $"is '{text}', not one of {string.Join(", ", SocketProtocol.All.Select(p => p.Name))}");
}
