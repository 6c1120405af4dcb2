using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <summary>
/// QEMU's human monitor, behind <c>human-monitor-command</c>: a line in, text out. It keeps nothing from line to line, so lines of
/// several clients may run at once. They read the tree with the state held.
/// </summary>
public sealed partial class HmpMonitor
{
    readonly QomTree _tree;
    readonly QomTypes _types;
    readonly QapiUnion _objectOptions;
    readonly ObjectRegistry _objects;
    readonly PropertyChanges _changes;
    readonly StateLock _state;
    readonly string _version;
    readonly IReadOnlyList<HmpCommand> _commands;

    /// <param name="tree">All objects.</param>
    /// <param name="types">All classes.</param>
    /// <param name="objectOptions">The arguments of <c>object_add</c>.</param>
    /// <param name="objects">Makes and deletes objects; called without the state.</param>
    /// <param name="changes">Sets properties; called without the state.</param>
    /// <param name="state">Held while the tree is read.</param>
    /// <param name="version">The output of <c>info version</c>: QEMU's release and, without a blank between, the package.</param>
    public HmpMonitor(QomTree tree, QomTypes types, QapiUnion objectOptions, ObjectRegistry objects,
        PropertyChanges changes, StateLock state, string version)
    {
        (_tree, _types, _objectOptions, _objects, _changes) = (tree, types, objectOptions, objects, changes);
        (_state, _version) = (state, version);
        _commands = Commands();
    }

    /// <summary>What <c>quit</c> does; without it nothing.</summary>
    public Action? Quit { get; set; }

    /// <summary>Runs a line and returns what it prints, errors included, with lines ended by CR LF.</summary>
    /// <param name="commandLine">The line.</param>
    /// <param name="owner">The user whose quota new objects count against.</param>
    /// <param name="waiter">May cancel the command.</param>
    public async ValueTask<string> RunAsync(string commandLine, uint owner = 0, Waiter waiter = default)
    {
        var call = new HmpCall(owner, waiter);
        try
        {
            var line = new CommandLineReader(commandLine);
            if (FindCommand(line, call) is { } command)
                await RunAsync(command, line, call).ConfigureAwait(false);
        }
        // A cancelled command has no output: its refusal is the answer.
        catch (QmpException e) when (e.Kind != RefusalKind.Cancelled)
        {
            call.Print($"Error: {e.Message}\n{HmpErrors.HintFor(e)}");
        }
        return call.Output;
    }

    static async ValueTask RunAsync(HmpCommand command, CommandLineReader line, HmpCall call)
    {
        var end = line.At;
        if (ArgumentReader.TryRead(command, line, call))
        {
            await command.Run(call).ConfigureAwait(false);
            return;
        }
        // The command as the user typed it, with all blanks but those at the end.
        call.Print($"Try \"help {line.Text[..end].TrimEnd([' ', '\t', '\n', '\v', '\f', '\r'])}\" for more information\n");
    }

    /// <summary>The row that the line names; the place is moved to its arguments. Null if there is none.</summary>
    HmpCommand? FindCommand(CommandLineReader line, HmpCall call)
    {
        var table = _commands;
        while (line.ReadName() is { } name)
        {
            if (table.FirstOrDefault(c => c.IsCalled(name)) is not { } command)
            {
                call.Print($"unknown command: '{line.Text[..line.At]}'\n");
                return null;
            }
            line.SkipBlanks();
            if (command.Subcommands is null || line.IsAtEnd)
                return command;
            table = command.Subcommands;
        }
        return null;
    }
}
