namespace HostMemd.Qapi;

/// <summary>The members of an object that are made one by one, while they are written: of 10,000 objects never all at once.</summary>
public abstract class LazyMembers
{
    /// <summary>How many there may be.</summary>
    public abstract int Count { get; }

    /// <summary>A member, in the order of <see cref="QDictOrder"/>.</summary>
    /// <param name="index">Below <see cref="Count"/>.</param>
    /// <param name="name">Its name.</param>
    /// <param name="value">Its value.</param>
    /// <returns>False for one that is absent.</returns>
    public abstract bool TryGet(int index, out string name, out Value value);

    /// <summary>All of them, for whoever wants to look one up.</summary>
    internal abstract Members ToMembers();
}
