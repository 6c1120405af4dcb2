using HostMemd.Qapi;

namespace HostMemd.Config;

/// <summary>The values of all limits: those that are configured, and for the others the defaults of <see cref="LimitTable"/>.</summary>
public sealed class LimitValues
{
    readonly Dictionary<string, ulong> _configured;

    LimitValues(Dictionary<string, ulong> configured) => _configured = configured;

    /// <summary>Nothing is configured.</summary>
    public static LimitValues Default { get; } = new([]);

    /// <summary>The value of a limit, in its unit; 0: no limit.</summary>
    /// <exception cref="KeyNotFoundException">There is no such limit.</exception>
    public ulong this[string name] => ValueOf(LimitTable.Find(name));

    /// <summary>The same values but for one limit.</summary>
    /// <exception cref="KeyNotFoundException">There is no such limit.</exception>
    public LimitValues With(string name, ulong value) => new(new(_configured) { [LimitTable.Find(name).Name] = value });

    /// <summary>Writes all limits into the parts of the daemon that keep to them.</summary>
    internal void ApplyTo(LimitTargets targets)
    {
        foreach (var row in LimitTable.All)
            row.Apply(targets, InForce(row));
    }

    /// <summary>The limit as it holds on this machine.</summary>
    internal Limit InForce(LimitRow row) => new(row.Name, row.Effective(ValueOf(row)));

    ulong ValueOf(LimitRow row) => _configured.GetValueOrDefault(row.Name, row.Default);
}
