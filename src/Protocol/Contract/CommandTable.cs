using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>All commands by name. Filled at start, read by all clients' threads afterwards.</summary>
public sealed class CommandTable
{
    readonly Dictionary<string, Command> _byName = new(StringComparer.Ordinal);
    readonly List<Command> _all = [];

    public IReadOnlyList<Command> All => _all;

    /// <exception cref="ArgumentException">The table has a command of that name already.</exception>
    public CommandTable Add(IEnumerable<Command> commands)
    {
        foreach (var command in commands)
        {
            _byName.Add(command.Name, command);
            _all.Add(command);
        }
        return this;
    }

    /// <exception cref="QmpException">No command has that name: class CommandNotFound.</exception>
    public Command Find(string name) => _byName.TryGetValue(name, out var command) ? command : throw QmpErrors.CommandNotFound(name);
}
