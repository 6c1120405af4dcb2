namespace HostMemd.Start;

/// <summary>A start that has failed, told in one line. Nothing here needs a descriptor or a thread: it may be for want of these.</summary>
static class Failure
{
    /// <summary>What there is to say of it; null for a bug, of which the stack is wanted.</summary>
    public static string? LineOf(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is StartException or IOException)
                return cause.Message.ReplaceLineEndings(" ");
            // The engine of .NET's sockets, which the first one makes: its exception says the name of an errno.
            if (cause.GetType().Namespace == "System.Net")
                return $"cannot wait for clients: {cause.Message.ReplaceLineEndings(" ")}";
            // Native AOT's word for a thread that could not be had is the first, and it means nothing else here: memory that is not
            // there ends the process.
            if (cause is OutOfMemoryException or ThreadStartException)
                return Reserves.NoThread().Message;
        }
        return null;
    }

    /// <summary>Says it to the user.</summary>
    public static void Tell(string line)
    {
        if (Daemonizer.IsBackground)
            Daemonizer.Report(line);
        else
            StandardStreams.Say($"hostmemd: {line}\n");
    }
}
