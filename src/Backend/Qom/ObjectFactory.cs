using HostMemd.Qapi;
using Microsoft.Extensions.Logging;

namespace HostMemd.Backend.Qom;

/// <summary>
/// Makes and deletes objects. The daemon's state is held only for the short parts: while memory is mapped, filled or freed the id
/// is taken, the object invisible, and everybody else is served.
/// </summary>
public sealed class ObjectFactory(QomTypes types, QomEnvironment environment)
{
    Container Objects => environment.Tree.Objects;

    /// <summary>An object has become visible, or has gone for good; told while the state is held.</summary>
    public event Action<QomObject>? Added, Deleted;

    /// <exception cref="QmpException">It cannot be made; nothing of it is left.</exception>
    public async ValueTask<QomObject> AddAsync(ObjectOptions options) =>
        await (await StartAsync(options).ConfigureAwait(false)).ConfigureAwait(false);

    /// <summary>
    /// Makes objects in the order given, each after the one before is mapped; their memory is filled all at once. Returns when all
    /// are complete.
    /// </summary>
    /// <exception cref="QmpException">The first failure; the others are left to finish, for the caller to delete.</exception>
    public async Task AddAllAsync(IEnumerable<ObjectOptions> all)
    {
        var finishing = new List<Task>();
        foreach (var options in all)
            finishing.Add(await StartAsync(options).ConfigureAwait(false));
        await Task.WhenAll(finishing).ConfigureAwait(false);
    }

    // The outer task ends when the object is mapped, the inner one when it is complete.
    async ValueTask<Task<QomObject>> StartAsync(ObjectOptions options)
    {
        QomObject made;
        lock (environment.State)
            made = Begin(options);
        try
        {
            await made.CompleteAsync().ConfigureAwait(false);
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
        }
        catch
        {
            await UndoAsync(made).ConfigureAwait(false);
            throw;
        }
        lock (environment.State)
        {
            Objects.Adopt(made);
            made.Adopted();
            Added?.Invoke(made);
        }
        return made;
    }

    async ValueTask UndoAsync(QomObject made)
    {
        await made.ReleaseAsync().ConfigureAwait(false);
        lock (environment.State)
            Objects.Free(made.Name);
    }

    // In this order: the id's syntax, the setters, the id's uniqueness.
    QomObject Begin(ObjectOptions options)
    {
        if (!IsIdentifier(options.Id))
            throw QmpErrors.BadIdentifier();
        var type = types.Find(options.QomType);
        if (type?.Create is null)
            throw QmpErrors.InvalidObjectType(options.QomType);
        var made = type.Create(environment, options.Id);
        ApplyGlobals(made);
        foreach (var (property, value) in QDictOrder.Sort(options.Properties))
            SetInitial(made, property, value);
        Objects.Reserve(options.Id);
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
        lock (environment.State)
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
        lock (environment.State)
        {
            Objects.Free(id);
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
            lock (environment.State)
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

    /// <summary>Deletes all objects, in use or not: the orderly end, which honours <c>discard-data</c>.</summary>
    public async Task DeleteAllAsync()
    {
        QomObject[] doomed;
        lock (environment.State)
        {
            doomed = [.. Objects.Children.Reverse()];
            foreach (var child in doomed)
                Objects.Hide(child);
        }
        foreach (var child in doomed)
            await child.ReleaseAsync().ConfigureAwait(false);
        lock (environment.State)
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
