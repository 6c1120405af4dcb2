using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Config;
using HostMemd.Qapi;

namespace HostMemd.Start;

/// <summary>Checks configured objects and defaults before the first object is made, so that a wrong one leaves no trace.</summary>
static class StartChecks
{
    /// <summary>Checks all of them, in their order.</summary>
    /// <param name="options">The configuration.</param>
    /// <param name="objectOptions">The arguments of <c>object-add</c>.</param>
    /// <exception cref="StartException">One is wrong; the message names it.</exception>
    public static void Check(HostMemdOptions options, QapiUnion objectOptions)
    {
        foreach (var global in options.Machine.Globals)
            Check(global, BackendTypes.All);
        foreach (var configured in options.Objects)
        {
            try
            {
                var read = objectOptions.Read(configured.ToValue(objectOptions), null);
                if (!Identifier.IsWellFormed(read.Id))
                    throw QmpErrors.BadIdentifier();
            }
            catch (QmpException refusal)
            {
                throw configured.Failed(refusal);
            }
        }
    }

    // QEMU only warns of an unknown type or property: a typing error would go unseen.
    static void Check(GlobalProperty global, QomTypes types)
    {
        var name = $"--global {global.Type}.{global.Property}={global.Text}";
        var derived = types.All.Where(c => c.Is(global.Type)).ToArray();
        if (derived.Length == 0)
            throw new StartException($"{name}: there is no type '{global.Type}'");
        var row = derived.Select(c => c.Find(global.Property)).FirstOrDefault(p => p is not null)
            ?? throw new StartException($"{name}: {QmpErrors.PropertyNotFound(global.Type, global.Property).Message}");
        try
        {
            row.Type.Check(row.Type.FromText(global.Text, row.Name, TextForm.CommandLine), row.Name);
        }
        catch (QmpException refusal)
        {
            throw new StartException($"{name}: {refusal.Message}");
        }
    }
}
