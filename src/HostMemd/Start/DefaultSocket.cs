using HostMemd.Config;
using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>The socket of a daemon without a configured or passed one.</summary>
static class DefaultSocket
{
    const uint UserOnly = 0x1C0; // 0700
    const uint EveryoneEnters = 0x1ED; // 0755

    /// <summary>Returns the path, and makes its directory if it is missing.</summary>
    /// <exception cref="StartException">The environment names no directory, or it cannot be made.</exception>
    public static string Prepare(OwnedFiles owned) =>
        Prepare(name => ArgumentBytes.CheckVariable(name, Environment.GetEnvironmentVariable(name)), Accounts.EffectiveUid == 0, owned);

    internal static string Prepare(Func<string, string?> variable, bool isRoot, OwnedFiles owned)
    {
        // systemd.exec(5): several directories come separated by colons, and are there.
        if (variable("RUNTIME_DIRECTORY") is { Length: > 0 } runtime)
            return Path.Combine(Make(runtime.Split(':')[0], isRoot, owned), "qmp.sock");
        if (isRoot)
            return Path.Combine(Make("/run/hostmemd", isRoot, owned), "qmp.sock");
        if (variable("XDG_RUNTIME_DIR") is { Length: > 0 } user)
            return Path.Combine(Make(Path.Combine(user, "hostmemd"), isRoot, owned), "qmp.sock");
        throw new StartException("no socket: give --qmp unix:PATH or set XDG_RUNTIME_DIR");
    }

    static string Make(string directory, bool isRoot, OwnedFiles owned)
    {
        owned.MakeDirectory(directory, isRoot ? EveryoneEnters : UserOnly);
        return directory;
    }
}
