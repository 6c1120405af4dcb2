using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Backend.Regions;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Objects;

/// <summary>
/// The way from options to an object that is mapped and not visible yet. The id is taken meanwhile; a failure undoes everything and frees
/// it.
/// </summary>
sealed class ObjectMaking(BackendServices services, Quota quota)
{
    // Of any class.
    const ulong MostMappings = 4;

    Container Objects => services.Tree.Objects;

    /// <summary>Makes an object and maps its memory.</summary>
    /// <param name="options">What to make.</param>
    /// <param name="owner">The user on whose account it goes.</param>
    /// <param name="waiter">May cancel it.</param>
    /// <exception cref="QmpException">It cannot be made; nothing of it is left.</exception>
    public async ValueTask<QomObject> MapAsync(ObjectOptions options, uint owner, Waiter waiter)
    {
        QomObject made;
        await quota.Mappings.SyncAsync(MostMappings).ConfigureAwait(false);
        using (services.State.Enter())
            made = Begin(options, owner);
        try
        {
            using var room = Headroom.Keep(made.Room.Bytes, made.Room.IsPrivate);
            await made.MapAsync().ConfigureAwait(false);
            quota.Settle(made);
            waiter.ThrowIfCancelled();
        }
        catch
        {
            await UndoAsync(made).ConfigureAwait(false);
            throw;
        }
        return made;
    }

    /// <summary>Makes an object again that another process had made, without filling or touching its memory.</summary>
    /// <param name="options">Its properties as they were last.</param>
    /// <param name="owner">The user on whose account it goes.</param>
    /// <param name="store">The descriptor of its memory, taken over; null where the memory is found by path.</param>
    /// <param name="identity">What the file behind it must still be; null if not known.</param>
    /// <exception cref="QmpException">It cannot be had again; nothing of it is left.</exception>
    public async ValueTask<QomObject> RestoreAsync(ObjectOptions options, uint owner, SafeFileHandle? store, FileIdentity? identity)
    {
        QomObject made;
        using (services.State.Enter())
            made = Begin(options, owner, restoring: true);
        try
        {
            if (made is HostMemoryBackend backend)
                backend.Restore(store, identity);
            else
                store?.Dispose();
            // If it fails, the data stays for a later start to find.
            made.IsKept = true;
            await made.MapAsync().ConfigureAwait(false);
            quota.Settle(made);
        }
        catch
        {
            await UndoAsync(made).ConfigureAwait(false);
            throw;
        }
        made.IsKept = false;
        return made;
    }

    /// <summary>Releases an object that was begun and will not become visible.</summary>
    public async ValueTask UndoAsync(QomObject made)
    {
        await made.ReleaseAsync().ConfigureAwait(false);
        using (services.State.Enter())
        {
            Objects.Free(made.Name);
            quota.Release(made);
        }
    }

    // In this order: the id's syntax, the setters, the id's uniqueness.
    QomObject Begin(ObjectOptions options, uint owner, bool restoring = false)
    {
        services.State.AssertHeld();
        if (!Identifier.IsWellFormed(options.Id))
            throw QmpErrors.BadIdentifier();
        var made = (BackendTypes.All.Find(options.QomType) is { } type ? BackendTypes.Make(type, services, options.Id) : null)
            ?? throw QmpErrors.InvalidObjectType(options.QomType);
        try
        {
            SetAll(made, options.Properties, restoring);
            made.Owner = owner;
            Objects.Reserve(options.Id);
            Count(made, restoring);
        }
        catch
        {
            made.DiscardUnmapped();
            throw;
        }
        return made;
    }

    void SetAll(QomObject made, Members properties, bool restoring)
    {
        foreach (var global in services.Machine.Globals)
        {
            if (made.Class.Is(global.Type) && made.Class.Find(global.Property) is { } row)
                SetInitial(made, row.Name, row.Type.FromText(global.Text, row.Name, TextForm.CommandLine));
        }
        foreach (var (property, value) in QDictOrder.Sort(properties))
        {
            // A record holds every property, also those that cannot be set to what they are, such as hugetlbsize 0.
            if (!restoring || made.Get(property) != value)
                SetInitial(made, property, value);
        }
    }

    static void SetInitial(QomObject made, string property, Value value)
    {
        var done = made.Set(property, value);
        // Before it is mapped there is no memory that a setter could move.
        if (!done.IsCompletedSuccessfully)
            throw new InvalidOperationException($"setter of '{property}' waits before the object is mapped");
    }

    // What another process had made is there, whatever the limits are now.
    void Count(QomObject made, bool restoring)
    {
        if (restoring)
        {
            quota.Count(made);
            return;
        }
        try
        {
            quota.Admit(made);
        }
        catch
        {
            Objects.Free(made.Name);
            throw;
        }
    }
}
