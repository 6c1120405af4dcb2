using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl;

static class Program
{
    public static string Version => $"hostmemctl {typeof(Program).Assembly.GetName().Version!.ToString(3)}";

    static async Task<int> Main(string[] args)
    {
        var terminal = Terminal.Own("auto");
        try
        {
            var status = await RunAsync(args, terminal).ConfigureAwait(false);
            await terminal.Out.FlushAsync().ConfigureAwait(false);
            return status;
        }
        catch (OutputClosedException)
        {
            return ExitStatus.OutputClosed;
        }
        catch (Exception failure)
        {
            return Report(failure, terminal);
        }
    }

    static async Task<int> RunAsync(string[] args, Terminal terminal)
    {
        // Asked for by scripts, and needs no table.
        if (args is ["--version" or "-V"])
        {
            terminal.Out.Write(Version + "\n");
            return ExitStatus.Done;
        }
        if (args is [['[', 's', 'u', 'g', 'g', 'e', 's', 't', ..] directive, ..])
        {
            await Suggest.RunAsync(directive, args.ElementAtOrDefault(1) ?? "", terminal.Out).ConfigureAwait(false);
            return ExitStatus.Done;
        }
        var line = Parser.Parse(args);
        if (line.Values.ContainsKey(GlobalOptions.Version))
        {
            terminal.Out.Write(Version + "\n");
            return ExitStatus.Done;
        }
        if (line.Values.ContainsKey(GlobalOptions.Help))
        {
            terminal.Out.Write(line.Verb is null ? HelpText.OfAll() : HelpText.Of(line.Verb));
            return ExitStatus.Done;
        }
        if (line.Verb is null)
        {
            terminal.Error.Write(HelpText.Short());
            return ExitStatus.Usage;
        }
        if (line.Values.GetValueOrDefault(GlobalOptions.Color) is { } color)
        {
            if (color is not ("auto" or "always" or "never"))
                throw Mistake.Unknown("colour", color, ["auto", "always", "never"], "auto, always and never are");
            terminal = Terminal.Own(color);
        }
        var status = await line.Verb.RunAsync(new(line, terminal)).ConfigureAwait(false);
        await terminal.Out.FlushAsync().ConfigureAwait(false);
        return status;
    }

    static int Report(Exception failure, Terminal terminal)
    {
        var (status, text) = failure switch
        {
            CtlException ours => (ours.Status, ours.Message),
            QmpException refusal => (ExitStatus.Refused, refusal.Message),
            IOException lost => (ExitStatus.Unreachable, lost.InnerException is null ? lost.Message
                : $"{lost.Message}: {lost.InnerException.Message}"),
            OperationCanceledException => (ExitStatus.Cancelled, ""),
            _ => (ExitStatus.Refused, $"internal error: {failure}"),
        };
        try
        {
            terminal.Out.Flush();
            if (text.Length > 0)
                terminal.Error.Write($"hostmemctl: {text.ReplaceLineEndings(" ")}\n");
        }
        catch (OutputClosedException)
        {
            // The reader of one of them has gone; the status says the rest.
        }
        return status;
    }
}
