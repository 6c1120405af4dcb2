namespace HostMemd.Integration.Harness;

/// <summary>The daemon that is tested, by the integration tests and by the fuzzer.</summary>
static class BuiltDaemon
{
    /// <summary>The environment's, else the one of the configuration that the caller was built in.</summary>
    public static string Find() => Find("HOSTMEMD_BINARY", "HostMemd", "hostmemd");

    /// <param name="variable">Names the file.</param>
    /// <param name="project">Else the one of this project is taken.</param>
    /// <param name="name">The file's name.</param>
    public static string Find(string variable, string project, string name)
    {
        if (Environment.GetEnvironmentVariable(variable) is { Length: > 0 } given)
            return Path.GetFullPath(given);
        // .../bin/Integration/<config>/ beside .../bin/HostMemd/<config>/; Release is built for a runtime identifier.
        var own = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var folder = Path.Combine(own.Parent!.Parent!.FullName, project);
        string[] candidates = [Path.Combine(folder, own.Name, name), Path.Combine(folder, own.Name + "_linux-x64", name)];
        return candidates.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"no {name} at {string.Join(" or ", candidates)}: build the solution first");
    }

    /// <summary>
    /// What the runtime opens for itself when it first needs it: assemblies, in files of their own or in the program's, and their symbols,
    /// random numbers, its code heap.
    /// </summary>
    /// <param name="target">What a descriptor is of.</param>
    /// <param name="program">The file that the process runs.</param>
    public static bool IsRuntimes(string target, string? program) =>
        Path.GetExtension(target) is ".dll" or ".pdb" || target == program || target is "/dev/random" or "/dev/urandom"
        || target.StartsWith("/memfd:doublemapper", StringComparison.Ordinal);
}
