namespace HostMemd.Start;

/// <summary>
/// Reports a failed start in one line. It needs no descriptor and no thread, since the start may have failed for want of them.
/// </summary>
static class Failure
{
    /// <summary>Returns the line for the user; null for a bug, whose stack is needed.</summary>
    public static string? LineOf(Exception failure)
    {
        for (var cause = failure; cause is not null; cause = cause.InnerException)
        {
            if (cause is StartException or IOException)
                return cause.Message.ReplaceLineEndings(" ");
            // .NET's socket engine, which the first socket makes, throws exceptions that name an errno.
            if (cause.GetType().Namespace == "System.Net")
                return $"cannot wait for clients: {cause.Message.ReplaceLineEndings(" ")}";
            // Native AOT throws OutOfMemoryException where a thread cannot be started. It means nothing else here: a lack of memory ends
            // the process.
            if (cause is OutOfMemoryException or ThreadStartException)
                return Reserves.NoThread().Message;
        }
        return null;
    }

    /// <summary>Writes the line to stderr, or sends it to the process in the foreground.</summary>
    public static void Report(string line)
    {
        if (Daemonizer.IsBackground)
            Daemonizer.Report(line);
        else
            StandardStreams.WriteError($"hostmemd: {line}\n");
    }
}
