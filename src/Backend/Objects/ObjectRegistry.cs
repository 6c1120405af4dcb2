using HostMemd.Backend.Memory;
using HostMemd.Backend.Qom;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Objects;

/// <summary>
/// Adds and deletes objects. The daemon's state is held only for the short parts: while memory is mapped, filled or freed, the id is taken,
/// the object invisible, and other clients are served.
/// </summary>
public sealed class ObjectRegistry(BackendServices services, Quota quota)
{
    readonly ObjectMaking _making = new(services, quota);

    Container Objects => services.Tree.Objects;

    /// <summary>An object has become visible, or has gone for good. Raised with the state held.</summary>
    public event Action<QomObject>? Added, Deleted;

    /// <summary>
    /// Called, without the state, when an object is complete and before clients see it: the time to put its memory into safety.
    /// </summary>
    public Func<QomObject, ValueTask>? BeforeVisible { get; set; }

    /// <summary>Called, without the state, when an object has gone and before its deletion is answered.</summary>
    public Func<QomObject, ValueTask>? AfterRemoved { get; set; }

    /// <summary>Adds an object. Returns when it is visible.</summary>
    /// <param name="options">What to make.</param>
    /// <param name="owner">The user on whose account it goes.</param>
    /// <exception cref="QmpException">It cannot be made; nothing of it is left.</exception>
    public async ValueTask<QomObject> AddAsync(ObjectOptions options, uint owner = 0, Waiter waiter = default) =>
        await CompleteAsync(await _making.MapAsync(options, owner, waiter).ConfigureAwait(false), waiter).ConfigureAwait(false);

    /// <summary>
    /// Adds objects in the order given, each after the one before is mapped; their memory is filled all at once. Returns when all are
    /// visible.
    /// </summary>
    /// <param name="all">What to make.</param>
    /// <param name="explain">Names the object that cannot be made; what it returns is thrown.</param>
    public async Task AddAllAsync(IEnumerable<ObjectOptions> all, Func<ObjectOptions, QmpException, Exception> explain)
    {
        var completing = new List<Task>();
        foreach (var options in all)
        {
            try
            {
                var mapped = await _making.MapAsync(options, owner: 0, default).ConfigureAwait(false);
                completing.Add(ExplainAsync(options, CompleteAsync(mapped, default)));
            }
            catch (QmpException refusal)
            {
                throw explain(options, refusal);
            }
        }
        await Task.WhenAll(completing).ConfigureAwait(false);

        async Task ExplainAsync(ObjectOptions options, Task completing)
        {
            try
            {
                await completing.ConfigureAwait(false);
            }
            catch (QmpException refusal)
            {
                throw explain(options, refusal);
            }
        }
    }

    async Task<QomObject> CompleteAsync(QomObject mapped, Waiter waiter)
    {
        try
        {
            await mapped.FillAsync(waiter).ConfigureAwait(false);
            if (BeforeVisible is { } keep)
                await keep(mapped).ConfigureAwait(false);
        }
        catch
        {
            await _making.UndoAsync(mapped).ConfigureAwait(false);
            throw;
        }
        using (services.State.Enter())
        {
            Show(mapped);
            Added?.Invoke(mapped);
        }
        return mapped;
    }

    void Show(QomObject made)
    {
        services.State.AssertHeld();
        Objects.Adopt(made);
        made.OnVisible();
    }

    /// <summary>
    /// Adds an object that another process had made: with the memory that is still there, without filling or touching it, and without
    /// announcing it.
    /// </summary>
    /// <param name="options">Its properties as they were last.</param>
    /// <param name="owner">The user on whose account it goes.</param>
    /// <param name="store">The descriptor of its memory, taken over; null where the memory is found by path.</param>
    /// <param name="identity">What the file behind it must still be; null if not known.</param>
    /// <exception cref="QmpException">It cannot be had again; nothing of it is left.</exception>
    public async ValueTask<QomObject> RestoreAsync(ObjectOptions options, uint owner, SafeFileHandle? store, FileIdentity? identity)
    {
        var made = await _making.RestoreAsync(options, owner, store, identity).ConfigureAwait(false);
        using (services.State.Enter())
            Show(made);
        return made;
    }

    /// <summary>Deletes an object. Returns when everything it held is free.</summary>
    /// <exception cref="QmpException">There is none of that id, or it is in use; it stays.</exception>
    public async ValueTask DeleteAsync(string id)
    {
        QomObject doomed;
        using (services.State.Enter())
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
        if (AfterRemoved is { } forget)
            await forget(doomed).ConfigureAwait(false);
        using (services.State.Enter())
        {
            Objects.Free(id);
            quota.Release(doomed);
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
            using (services.State.Enter())
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

    /// <summary>Releases all objects, in use or not: the orderly end.</summary>
    /// <param name="keep">Another process goes on with them. If not, data is discarded where that was asked for.</param>
    public async Task ReleaseAllAsync(bool keep)
    {
        QomObject[] doomed;
        using (services.State.Enter())
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
        using (services.State.Enter())
        {
            foreach (var child in doomed)
                Objects.Free(child.Name);
        }
    }
}
