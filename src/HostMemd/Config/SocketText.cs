using HostMemd.Qapi;

namespace HostMemd.Config;

/// <summary>The texts behind <c>--qmp</c> and the like, <c>--chardev</c> and <c>--monitor</c>.</summary>
static class SocketText
{
    /// <summary>
    /// <c>unix:PATH[,server=on][,wait=off][,abstract=on[,tight=off]]</c>. QEMU's defaults for the first two are the
    /// opposite, which the daemon can serve neither of.
    /// </summary>
    public static SocketOptions ReadAddress(string text) => ReadSocket(Split(text), []);

    /// <summary>The parts of an address.</summary>
    public static IReadOnlyList<OptText> Split(string text)
    {
        const string Prefix = "unix:";
        return text.StartsWith(Prefix, StringComparison.Ordinal)
            ? OptsText.Split(text[Prefix.Length..], "path")
            : throw new StartException($"'{text}' is no socket: only {Prefix}PATH is served");
    }

    /// <summary><c>socket,id=C,path=PATH,server=on,wait=off[,abstract=on[,tight=off]]</c>.</summary>
    public static Chardev ReadChardev(string text)
    {
        var opts = OptsText.Split(text, "backend");
        var id = OptsText.Last(opts, "id") ?? throw new StartException("chardev: no id specified");
        if (!Identifier.IsWellFormed(id))
            throw Refused(QmpErrors.BadIdentifier());
        if (OptsText.Last(opts, "backend") is not "socket" and var driver)
            throw new StartException($"'{driver}' is not a valid char driver name");
        return new(id, ReadSocket(opts, ["backend", "id"]));
    }

    /// <summary><c>[chardev=]C[,mode=control][,pretty=on|off]</c>.</summary>
    public static (string Chardev, bool Pretty) ReadMonitor(string text)
    {
        var opts = OptsText.Split(text, "chardev");
        var chardev = OptsText.Last(opts, "chardev") ?? throw Refused(QmpErrors.ParameterMissing("chardev"));
        // QMP has a command for the human monitor, and the daemon serves no socket for it.
        if (OptsText.Last(opts, "mode") is { } mode and not "control")
            throw Refused(QmpErrors.DoesNotAcceptValue("mode", mode));
        var pretty = ReadFlag(opts, "pretty") ?? false;
        RefuseOthers(opts, ["chardev", "mode", "pretty", "id"], QmpErrors.ParameterUnexpected);
        return (chardev, pretty);
    }

    static SocketOptions ReadSocket(IReadOnlyList<OptText> opts, ReadOnlySpan<string> others)
    {
        RefuseOthers(opts, [.. others, "path", "server", "wait", "abstract", "tight"], QmpErrors.InvalidParameter);
        if (ReadFlag(opts, "server") == false)
            throw new StartException("'server=off' is not supported: hostmemd listens");
        if (ReadFlag(opts, "wait") == true)
            throw new StartException("'wait=on' is not supported: hostmemd starts without a client");
        var path = OptsText.Last(opts, "path");
        return string.IsNullOrEmpty(path) ? throw Refused(QmpErrors.ParameterMissing("path"))
            : SocketOptions.Read(path, pretty: false, ReadFlag(opts, "abstract"), ReadFlag(opts, "tight"));
    }

    static void RefuseOthers(IReadOnlyList<OptText> opts, ReadOnlySpan<string> known, Func<string, QmpException> refusal)
    {
        foreach (var opt in opts)
        {
            if (!known.Contains(opt.Key))
                throw Refused(refusal(opt.Key));
        }
    }

    /// <summary>Returns the value of an <c>on|off</c>, or null when it is not there.</summary>
    public static bool? ReadFlag(IReadOnlyList<OptText> opts, string key)
    {
        if (OptsText.Last(opts, key) is not { } text)
            return null;
        try
        {
            return QapiTypes.Bool.Read(QapiTypes.Bool.FromText(text, key, TextForm.CommandLine), key);
        }
        catch (QmpException refusal)
        {
            throw Refused(refusal);
        }
    }

    static StartException Refused(QmpException refusal) => new(refusal.Message);
}
