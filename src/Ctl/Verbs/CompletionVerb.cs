using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;

namespace HostMemd.Ctl.Verbs;

/// <summary>The scripts for the shells, as they are also installed.</summary>
static class CompletionVerb
{
    static readonly string[] s_shells = ["bash", "zsh", "fish"];

    static readonly OperandRow s_shell = new("SHELL", "bash, zsh or fish.", Sources.Of(s_shells));

    public static readonly VerbRow Row = new("completion", "Print a script for the completion of a shell.", RunAsync)
    {
        Operands = [s_shell],
        Details = ["In bash: source <(hostmemctl completion bash). The packages install them."],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        var shell = call.Word(s_shell);
        if (!s_shells.Contains(shell))
            throw Mistake.Unknown("shell", shell, s_shells, "bash, zsh and fish are");
        await using var script = typeof(CompletionVerb).Assembly.GetManifestResourceStream(shell)!;
        using var text = new StreamReader(script);
        call.Out.Write(await text.ReadToEndAsync().ConfigureAwait(false));
        return ExitStatus.Done;
    }
}
