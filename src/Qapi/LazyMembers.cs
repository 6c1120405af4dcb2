namespace HostMemd.Qapi;

/// <summary>Members that are produced one by one, while they are written: those of 10,000 objects never exist all at once.</summary>
public abstract class LazyMembers
{
    /// <summary>The most members; some may be absent.</summary>
    public abstract int Count { get; }

    /// <summary>A member, in the order of <see cref="QDictOrder"/>.</summary>
    /// <param name="index">Below <see cref="Count"/>.</param>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <returns>False if the member is absent.</returns>
    public abstract bool TryGet(int index, out string name, out Value value);

    /// <summary>All members at once, to look one up.</summary>
    internal abstract Members ToMembers();
}
