namespace HostMemd.Integration.Harness;

/// <summary>Where things are, seen from the test assembly.</summary>
static class Repository
{
    /// <summary>The folder with the solution.</summary>
    public static string Root { get; } = FindRoot();

    /// <summary>The material that is shared by all checkouts, or null where it is not.</summary>
    public static string? Shared { get; } = Directory.Exists(Path.Combine(Root, "../shared"))
        ? Path.GetFullPath(Path.Combine(Root, "../shared"))
        : null;

    public static string Daemon { get; } = BuiltDaemon.Find();

    /// <summary>hostmemctl: the environment's, else the one that was built beside these tests.</summary>
    public static string Ctl { get; } = BuiltDaemon.Find("HOSTMEMCTL_BINARY", "Ctl", "hostmemctl");

    /// <summary>The recorded sessions: the shared ones, else the project's copy.</summary>
    public static string Recordings => Shared is not null && Directory.Exists(Path.Combine(Shared, "corpus"))
        ? Path.Combine(Shared, "corpus")
        : Path.Combine(AppContext.BaseDirectory, "Recordings");

    public static string? SharedTool(string name)
    {
        var path = Shared is null ? "" : Path.Combine(Shared, "tools", name);
        return File.Exists(path) ? path : null;
    }

    static string FindRoot()
    {
        foreach (var start in (string[])[AppContext.BaseDirectory, Directory.GetCurrentDirectory(), SourceFolder()])
        {
            for (var at = new DirectoryInfo(start); at is not null; at = at.Parent)
            {
                if (File.Exists(Path.Combine(at.FullName, "HostMemd.sln")))
                    return at.FullName;
            }
        }
        throw new InvalidOperationException("HostMemd.sln is above neither the test assembly nor the working directory");
    }

    // The assembly may have been built into a folder outside the repository.
    static string SourceFolder([System.Runtime.CompilerServices.CallerFilePath] string file = "") => Path.GetDirectoryName(file)!;
}
