namespace HostMemd.Integration.Harness;

/// <summary>The daemon that is tested, by the integration tests and by the fuzzer.</summary>
static class BuiltDaemon
{
    /// <summary>The environment's, else the one of the configuration that the caller was built in.</summary>
    public static string Find()
    {
        if (Environment.GetEnvironmentVariable("HOSTMEMD_BINARY") is { Length: > 0 } given)
            return Path.GetFullPath(given);
        // .../bin/Integration/<config>/ beside .../bin/HostMemd/<config>/; Release is built for a runtime identifier.
        var own = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var folder = Path.Combine(own.Parent!.Parent!.FullName, "HostMemd");
        string[] candidates = [Path.Combine(folder, own.Name, "hostmemd"), Path.Combine(folder, own.Name + "_linux-x64", "hostmemd")];
        return candidates.FirstOrDefault(File.Exists)
            ?? throw new FileNotFoundException($"no daemon at {string.Join(" or ", candidates)}: build the solution first");
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
