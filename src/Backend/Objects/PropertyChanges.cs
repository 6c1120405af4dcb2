using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Backend.Objects;

/// <summary>Changes of properties, by QMP or the human monitor. They are announced once they are done.</summary>
public sealed class PropertyChanges(QomTree tree, StateLock state)
{
    /// <summary>Changes a property.</summary>
    /// <param name="path">The object, as a path.</param>
    /// <param name="property">The property's name.</param>
    /// <param name="value">Its new value.</param>
    /// <exception cref="QmpException">There is no such object or property, or the value is refused.</exception>
    public ValueTask SetAsync(string path, string property, Value value, Waiter waiter = default)
    {
        QomObject target;
        ValueTask work;
        using (state.Enter())
        {
            target = tree.Resolve(path);
            work = target.Set(property, value, waiter);
            if (work.IsCompletedSuccessfully)
            {
                tree.NotifyChanged(target);
                return default;
            }
        }
        return AnnounceAsync(target, work);
    }

    /// <inheritdoc cref="SetAsync(string, string, Value, Waiter)"/>
    /// <param name="path">The object, as a path.</param>
    /// <param name="change">Sets the property; called with the state held.</param>
    public ValueTask SetAsync(string path, Func<QomObject, ValueTask> change)
    {
        QomObject target;
        ValueTask work;
        using (state.Enter())
        {
            target = tree.Resolve(path);
            work = change(target);
        }
        return AnnounceAsync(target, work);
    }

    async ValueTask AnnounceAsync(QomObject target, ValueTask work)
    {
        await work.ConfigureAwait(false);
        using (state.Enter())
            tree.NotifyChanged(target);
    }
}
