using HostMemd.Backend.Memory;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Qom;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Persistence;

/// <summary>What another process needs to make an object again.</summary>
/// <param name="Options">Type, id and all properties as they are.</param>
/// <param name="Store">The name under which the descriptor of its memory is kept; null if none is.</param>
/// <param name="File">The identity of the file behind the memory; null if there is none.</param>
/// <param name="Owner">The user whose quota the object counts against.</param>
sealed record ObjectRecord(ObjectOptions Options, string? Store, FileIdentity? File, uint Owner)
{
    /// <summary>The memory ends with its process and cannot be restored.</summary>
    public bool IsPrivateMemory => Store is null && File is null
        && BackendTypes.All.Find(Options.QomType)?.Is(HostMemoryBackend.BackendClass.Name) != false;

    /// <summary>Called with the state held, or before the object is visible.</summary>
    public static ObjectRecord Of(QomObject made, string? store)
    {
        var properties = new Members();
        foreach (var property in made.Class.All)
        {
            if (property.InSchema && property.IsReadable)
                properties.Add(property.Name, property.Get(made));
        }
        return new(new(made.Class.Name, made.Name, properties), store, (made as HostMemoryBackend)?.Region?.Identity, made.Owner);
    }

    public Value ToValue()
    {
        var members = new Members();
        members.Add("qom-type", Value.From(Options.QomType));
        members.Add("id", Value.From(Options.Id));
        members.Add("properties", Value.From(Options.Properties));
        members.Add("owner", Value.From((long)Owner));
        if (Store is not null)
            members.Add("store", Value.From(Store));
        if (File is { } file)
            members.Add("file", Value.Object(("device", Value.From(file.Device)), ("inode", Value.From(file.Inode))));
        return Value.From(members);
    }

    /// <summary>Reads a record. Unknown members belong to a newer version and are ignored.</summary>
    /// <returns>Null if the value is no record of an object.</returns>
    public static ObjectRecord? From(Value value)
    {
        if (!value.TryObject(out var members) || !members["qom-type"].TryString(out var type) || !members["id"].TryString(out var id)
            || !members["properties"].TryObject(out var properties))
            return null;
        FileIdentity? file = members["file"].TryObject(out var named) && named["device"].TryString(out var device)
            && named["inode"].TryBits(out var inode) ? new(device, inode) : null;
        return new(new(type, id, properties), members["store"].TryString(out var store) ? store : null, file,
            members["owner"].TryInt(out var owner) ? (uint)owner : 0);
    }
}
