namespace HostMemd.Ctl.Verbs;

/// <summary>A class of objects, by the short name that users type.</summary>
sealed record Kind(string Short, string Type, string Help)
{
    const string Prefix = "memory-backend-";

    public static IReadOnlyList<Kind> All { get; } =
    [
        new("memfd", Prefix + "memfd", "anonymous memory that can be lent"),
        new("ram", Prefix + "ram", "memory of the daemon's own"),
        new("shm", Prefix + "shm", "POSIX shared memory"),
        new("file", Prefix + "file", "a file, such as one of hugetlbfs"),
        new("thread-context", "thread-context", "CPUs for filling"),
    ];

    /// <summary>The daemon's name for what the user typed; another name is taken as it is.</summary>
    public static string TypeOf(string typed) => All.FirstOrDefault(k => k.Short == typed)?.Type ?? typed;

    public static string ShortOf(string type) => type.StartsWith(Prefix, StringComparison.Ordinal) ? type[Prefix.Length..] : type;
}
