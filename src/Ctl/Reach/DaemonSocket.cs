using HostMemd.Linux;

namespace HostMemd.Ctl.Reach;

/// <summary>Which socket is meant.</summary>
static class DaemonSocket
{
    public const string Variable = "HOSTMEMD_SOCKET";
    public const string OfTheSystem = "/run/hostmemd/qmp.sock";

    /// <summary>What the user named, else the variable, else the first place where a daemon's socket is.</summary>
    /// <param name="named">By the option.</param>
    public static string Path(string? named) => Path(named, Environment.GetEnvironmentVariable, path => Files.StatusOf(path, out _));

    internal static string Path(string? named, Func<string, string?> variable, Func<string, Errno> look)
    {
        if (named is { Length: > 0 })
            return named;
        if (variable(Variable) is { Length: > 0 } told)
            return told;
        // One that may not be looked at is there: the user should hear of it.
        if (look(OfTheSystem) != Errno.ENOENT || variable("XDG_RUNTIME_DIR") is not { Length: > 0 } runtime)
            return OfTheSystem;
        var own = runtime + "/hostmemd/qmp.sock";
        return look(own).Ok ? own : OfTheSystem;
    }
}
