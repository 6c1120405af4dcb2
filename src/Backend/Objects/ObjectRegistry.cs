using HostMemd.Backend.Leases;
using HostMemd.Backend.Memory;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Qom;

/// <summary>
/// Makes and deletes objects. The daemon's state is held only for the short parts: while memory is mapped, filled or freed the id
/// is taken, the object invisible, and everybody else is served.
/// </summary>
public sealed class ObjectFactory(QomTypes types, QomEnvironment environment)
{
    // Of any class.
    const ulong MostMappings = 4;

    Container Objects => environment.Tree.Objects;

    /// <summary>An object has become visible, or has gone for good; told while the state is held.</summary>
    public event Action<QomObject>? Added, Deleted;

    /// <summary>
    /// Called, without the state, when an object is complete and before anybody sees it: the time to put its memory into safety.
    /// </summary>
    public Func<QomObject, ValueTask>? Keeping { get; set; }

    /// <summary>Called, without the state, when an object has gone and before its deletion is answered.</summary>
    public Func<QomObject, ValueTask>? Forgetting { get; set; }

    /// <exception cref="QmpException">It cannot be made; nothing of it is left.</exception>
    /// <param name="options">What to make.</param>
    /// <param name="owner">The user on whose account it goes.</param>
    public async ValueTask<QomObject> AddAsync(ObjectOptions options, uint owner = 0) =>
        await (await StartAsync(options, owner).ConfigureAwait(false)).ConfigureAwait(false);

    /// <summary>
    /// Makes objects in the order given, each after the one before is mapped; their memory is filled all at once. Returns when all
    /// are complete.
    /// </summary>
    /// <param name="all">What to make.</param>
    /// <param name="explain">Names the object that cannot be made; what it returns is thrown.</param>
    public async Task AddAllAsync(IEnumerable<ObjectOptions> all, Func<ObjectOptions, QmpException, Exception> explain)
    {
        var finishing = new List<Task>();
        foreach (var options in all)
        {
            try
            {
                finishing.Add(ExplainAsync(options, await StartAsync(options, owner: 0).ConfigureAwait(false)));
            }
            catch (QmpException refusal)
            {
                throw explain(options, refusal);
            }
        }
        await Task.WhenAll(finishing).ConfigureAwait(false);

        async Task ExplainAsync(ObjectOptions options, Task made)
        {
            try
            {
                await made.ConfigureAwait(false);
            }
            catch (QmpException refusal)
            {
                throw explain(options, refusal);
            }
        }
    }

    // The outer task ends when the object is mapped, the inner one when it is complete.
    async ValueTask<Task<QomObject>> StartAsync(ObjectOptions options, uint owner)
    {
        QomObject made;
        await environment.Quota.Mappings.SyncAsync(MostMappings).ConfigureAwait(false);
        using (environment.State.Enter())
            made = Begin(options, owner);
        try
        {
            using var room = Headroom.Keep(made.Room.Bytes, made.Room.IsPrivate);
            await made.CompleteAsync().ConfigureAwait(false);
            environment.Quota.Settle(made);
        }
        catch
        {
            await UndoAsync(made).ConfigureAwait(false);
            throw;
        }
        return FinishAsync(made);
    }

    async Task<QomObject> FinishAsync(QomObject made)
    {
        try
        {
            await made.FinishAsync().ConfigureAwait(false);
            if (Keeping is { } keep)
                await keep(made).ConfigureAwait(false);
        }
        catch
        {
            await UndoAsync(made).ConfigureAwait(false);
            throw;
        }
        using (environment.State.Enter())
        {
            Show(made);
            Added?.Invoke(made);
        }
        return made;
    }

    void Show(QomObject made)
    {
        environment.State.AssertHeld();
        Objects.Adopt(made);
        made.Adopted();
    }

    /// <summary>
    /// Makes an object again that another process had made: with the memory that is still there, without filling or touching it, and
    /// without telling anybody.
    /// </summary>
    /// <param name="options">Its properties as they were last.</param>
    /// <param name="owner">The user on whose account it goes.</param>
    /// <param name="store">The descriptor of its memory, taken over; null where the memory is found by path.</param>
    /// <param name="identity">What the file behind it must still be; null if not known.</param>
    /// <exception cref="QmpException">It cannot be had again; nothing of it is left.</exception>
    public async ValueTask<QomObject> RestoreAsync(ObjectOptions options, uint owner, SafeFileHandle? store, FileIdentity? identity)
    {
        QomObject made;
        using (environment.State.Enter())
            made = Begin(options, owner, restoring: true);
        try
        {
            made.Restore(store, identity);
            // If it fails the data is still there for somebody else to find.
            made.IsKept = true;
            await made.CompleteAsync().ConfigureAwait(false);
            environment.Quota.Settle(made);
        }
        catch
        {
            await UndoAsync(made).ConfigureAwait(false);
            throw;
        }
        made.IsKept = false;
        using (environment.State.Enter())
            Show(made);
        return made;
    }

    async ValueTask UndoAsync(QomObject made)
    {
        await made.ReleaseAsync().ConfigureAwait(false);
        using (environment.State.Enter())
        {
            Objects.Free(made.Name);
            environment.Quota.Release(made);
        }
    }

    // In this order: the id's syntax, the setters, the id's uniqueness.
    QomObject Begin(ObjectOptions options, uint owner, bool restoring = false)
    {
        environment.State.AssertHeld();
        if (!IsIdentifier(options.Id))
            throw QmpErrors.BadIdentifier();
        var type = types.Find(options.QomType);
        if (type?.Create is null)
            throw QmpErrors.InvalidObjectType(options.QomType);
        var made = type.Create(environment, options.Id);
        try
        {
            return Begin(made, options, owner, restoring);
        }
        catch
        {
            made.Abandon();
            throw;
        }
    }

    QomObject Begin(QomObject made, ObjectOptions options, uint owner, bool restoring)
    {
        ApplyGlobals(made);
        foreach (var (property, value) in QDictOrder.Sort(options.Properties))
        {
            // A record holds every property, also those that cannot be set to what they are, such as hugetlbsize 0.
            if (!restoring || made.Get(property) != value)
                SetInitial(made, property, value);
        }
        made.Owner = owner;
        Objects.Reserve(options.Id);
        if (restoring)
        {
            environment.Quota.Count(made);
            return made;
        }
        try
        {
            environment.Quota.Admit(made);
        }
        catch
        {
            Objects.Free(options.Id);
            throw;
        }
        return made;
    }

    void ApplyGlobals(QomObject made)
    {
        foreach (var global in environment.Machine.Globals)
        {
            if (made.Class.Is(global.Type) && made.Class.Find(global.Property) is { } row)
                SetInitial(made, row.Name, row.Type.FromText(global.Text, row.Name, TextForm.CommandLine));
        }
    }

    static void SetInitial(QomObject made, string property, Value value)
    {
        var done = made.Set(property, value);
        // Before completion there is no memory that a setter could move.
        if (!done.IsCompletedSuccessfully)
            throw new InvalidOperationException($"setter of '{property}' waits before the object is complete");
    }

    /// <summary>Deletes an object. Returns when everything it held is free.</summary>
    /// <exception cref="QmpException">There is none of that id, or it is in use; it stays.</exception>
    public async ValueTask DeleteAsync(string id)
    {
        QomObject doomed;
        using (environment.State.Enter())
        {
            doomed = Objects.FindChild(id) ?? throw QmpErrors.ObjectNotFound(id);
            if (doomed.IsDoomed)
                throw QmpErrors.ObjectBusy(id);
            if (doomed.DeletionRefusal() is { } refusal)
                throw refusal;
            doomed.IsDoomed = true;
        }
        await HideAsync(doomed).ConfigureAwait(false);
        await doomed.ReleaseAsync().ConfigureAwait(false);
        if (Forgetting is { } forget)
            await forget(doomed).ConfigureAwait(false);
        using (environment.State.Enter())
        {
            Objects.Free(id);
            environment.Quota.Release(doomed);
            Deleted?.Invoke(doomed);
        }
    }

    async ValueTask HideAsync(QomObject doomed)
    {
        QmpException? refusal = null;
        try
        {
            refusal = await doomed.DeletionRefusalAsync().ConfigureAwait(false);
        }
        finally
        {
            using (environment.State.Enter())
            {
                if (refusal is null)
                    Objects.Hide(doomed);
                else
                    doomed.IsDoomed = false;
            }
        }
        if (refusal is not null)
            throw refusal;
    }

    /// <summary>Changes a property, by QMP or the human monitor.</summary>
    /// <exception cref="QmpException">There is no such object or property, or the value is refused.</exception>
    public ValueTask SetAsync(string path, string property, Value value)
    {
        QomObject target;
        ValueTask work;
        using (environment.State.Enter())
        {
            target = environment.Tree.Resolve(path);
            work = target.Set(property, value);
            if (work.IsCompletedSuccessfully)
            {
                environment.Tree.NotifyChanged(target);
                return default;
            }
        }
        return ChangedAsync(target, work);
    }

    /// <inheritdoc cref="SetAsync(string, string, Value)"/>
    /// <param name="path">The object.</param>
    /// <param name="change">Sets the property; called with the state held.</param>
    public ValueTask SetAsync(string path, Func<QomObject, ValueTask> change)
    {
        QomObject target;
        ValueTask work;
        using (environment.State.Enter())
        {
            target = environment.Tree.Resolve(path);
            work = change(target);
        }
        return ChangedAsync(target, work);
    }

    async ValueTask ChangedAsync(QomObject target, ValueTask work)
    {
        await work.ConfigureAwait(false);
        using (environment.State.Enter())
            environment.Tree.NotifyChanged(target);
    }

    /// <summary>
    /// Lets go of all objects, in use or not: the orderly end. Unless they are kept for another process their data is discarded where
    /// that was asked for.
    /// </summary>
    public async Task ReleaseAllAsync(bool keep)
    {
        QomObject[] doomed;
        using (environment.State.Enter())
        {
            doomed = [.. Objects.Children.Reverse()];
            foreach (var child in doomed)
            {
                child.IsKept = keep;
                Objects.Hide(child);
            }
        }
        foreach (var child in doomed)
            await child.ReleaseAsync().ConfigureAwait(false);
        using (environment.State.Enter())
        {
            foreach (var child in doomed)
                Objects.Free(child.Name);
        }
    }

    /// <summary>A letter, then letters, digits, '-', '.' and '_' of ASCII (QEMU: id_wellformed).</summary>
    public static bool IsIdentifier(string id)
    {
        if (id.Length == 0 || !char.IsAsciiLetter(id[0]))
            return false;
        foreach (var c in id)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '.' or '_'))
                return false;
        }
        return true;
    }
}
