using System.Globalization;
using System.Text;
using HostMemd.Ctl.Completion;
using HostMemd.Ctl.Line;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>Becomes a command that has the memory: the lease is this process's, and so the command's own.</summary>
static class RunVerb
{
    static readonly OperandRow s_id = new("ID", "The memory.", Sources.Ids);
    static readonly OperandRow s_command = new("COMMAND",
        "The command; {path}, {fd}, {size} and {offset} in its words stand for the memory's.")
    { IsMany = true, IsBehind = true };
    static readonly OptionRow s_readOnly = new("read-only", 'r', null, "Lend a descriptor that cannot be mapped writable.");
    static readonly OptionRow s_name = new("name", '\0', "TEXT", "What 'hostmemctl who' says of the lease.");

    public static readonly VerbRow Row = new("run", "Run a command that uses memory.", RunAsync)
    {
        Operands = [s_id, s_command],
        Options = [s_readOnly, s_name],
        Details =
        [
            "The command inherits a descriptor of the memory, and the lease is its own: it ends when the command does.",
            "{path} opens the memory in the command and its children, {fd} is the descriptor's number, {size} the bytes to map from "
                + "{offset} on.",
        ],
    };

    static async Task<int> RunAsync(Invocation call)
    {
        if (call.Daemon.IsRemote)
            throw CtlException.Refused("run: a descriptor does not come from another host");
        var words = call.Words(s_command);
        if (call.Behind != words.Count)
            throw CtlException.Usage($"run: the command comes behind '--': hostmemctl {Row.Usage}");
        var client = await call.ConnectAsync().ConfigureAwait(false);
        // Neither the loan nor the client is disposed of: that would give the memory back.
        var loan = await client.BorrowAsync(call.Word(s_id), Environment.ProcessId, call.Has(s_readOnly), call.Value(s_name))
            .ConfigureAwait(false);
        if (Exec.Inherit(loan.Descriptor) is { Failed: true } refused)
            throw CtlException.Refused($"run: {refused.Text}");
        await call.Out.FlushAsync().ConfigureAwait(false);
        var error = Exec.Replace(Arguments(words, loan.Info, (int)loan.Descriptor.DangerousGetHandle(), OwnArguments()));
        throw new CtlException(error == Errno.ENOENT ? ExitStatus.NotFound : ExitStatus.NotExecutable, $"{words[0]}: {error.Text}");
    }

    // The runtime's strings have lost what is no UTF-8: names of files may have it.
    static byte[][] OwnArguments()
    {
        try
        {
            var all = File.ReadAllBytes("/proc/self/cmdline").AsSpan();
            var result = new List<byte[]>();
            for (int end; (end = all.IndexOf((byte)0)) >= 0; all = all[(end + 1)..])
                result.Add(all[..end].ToArray());
            return [.. result];
        }
        catch (IOException)
        {
            return [];
        }
    }

    /// <summary>The command's arguments, with the memory's figures put in.</summary>
    /// <param name="words">As the runtime read them.</param>
    /// <param name="memory">What was lent.</param>
    /// <param name="descriptor">Its number.</param>
    /// <param name="own">The bytes of this process's arguments, of which the command's are the last.</param>
    internal static byte[][] Arguments(IReadOnlyList<string> words, MemdevMapped memory, int descriptor, byte[][] own)
    {
        var last = own.Length >= words.Count ? own[^words.Count..] : [];
        return [.. words.Select((word, i) => Replace(last.Length > 0 && Encoding.UTF8.GetString(last[i]) == word ? last[i]
            : Encoding.UTF8.GetBytes(word)))];

        // Byte by byte: what is put in is ASCII.
        byte[] Replace(byte[] word) => Encoding.Latin1.GetBytes(Encoding.Latin1.GetString(word)
            .Replace("{path}", string.Create(CultureInfo.InvariantCulture, $"/proc/self/fd/{descriptor}"), StringComparison.Ordinal)
            .Replace("{fd}", descriptor.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{size}", memory.Size.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal)
            .Replace("{offset}", memory.Offset.ToString(CultureInfo.InvariantCulture), StringComparison.Ordinal));
    }
}
