using System.Runtime.CompilerServices;

namespace HostMemd.Unit;

/// <summary>The files of this checkout, for tests that hold documents against the code.</summary>
static class Sources
{
    public static string Root { get; } = FindRoot();

    public static string Read(string path) => File.ReadAllText(Path.Combine(Root, path));

    /// <summary>Files below a folder, as paths from the root; what a build makes is left out.</summary>
    public static IEnumerable<string> Below(string folder, string pattern) =>
        Directory.EnumerateFiles(Path.Combine(Root, folder), pattern, SearchOption.AllDirectories)
            .Select(path => Path.GetRelativePath(Root, path).Replace('\\', '/'))
            .Where(path => !path.Split('/').Any(part => part is "artifacts" or "obj" or "bin" or ".git"));

    static string FindRoot([CallerFilePath] string here = "")
    {
        var at = new DirectoryInfo(Path.GetDirectoryName(here)!);
        while (!File.Exists(Path.Combine(at.FullName, "HostMemd.sln")))
            at = at.Parent!;
        return at.FullName;
    }
}
