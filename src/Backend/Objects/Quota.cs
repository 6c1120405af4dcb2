using HostMemd.Backend.Qom;
using HostMemd.Linux;
using HostMemd.Qapi;

namespace HostMemd.Backend.Objects;

/// <summary>
/// The limits on objects and memory. An object is counted before it is made, so that two at once cannot exceed a limit together. Used
/// with the daemon's state held.
/// </summary>
public sealed class Quota(StateLock state)
{
    readonly Dictionary<uint, ulong> _bytesOfUid = [];
    ulong _bytes;
    long _objects;

    /// <summary>Objects at once.</summary>
    public Limit MaxObjects { get; set; }

    /// <summary>Bytes of all backends of one user.</summary>
    public Limit MaxBytesPerUid { get; set; }

    /// <summary>Bytes of all backends.</summary>
    public Limit MaxBytes { get; set; }

    /// <summary>Mappings that the kernel grants this process.</summary>
    public Limit MaxMappings => new("vm.max_map_count", Mappings.Max);

    /// <summary>Mappings of this process. They are limited because the runtime does not survive a failing mmap.</summary>
    public MappingCount Mappings { get; init; } = new();

    /// <summary>Descriptors that the kernel grants this process (RLIMIT_NOFILE), which prlimit(1) may change.</summary>
    public Limit MaxDescriptors => new("RLIMIT_NOFILE", Rlimit.Get(Rlimit.RLIMIT_NOFILE, out var soft, out _).Ok ? soft : 1024);

    /// <summary>
    /// Counts the descriptors beside those of objects: clients, leases, descriptors that clients sent, and those being closed.
    /// </summary>
    public Func<int>? OtherDescriptors { get; set; }

    public long Objects => _objects;
    public ulong Bytes => _bytes;

    /// <summary>Bytes of the backends that this user's clients made.</summary>
    public ulong BytesOf(uint uid) => _bytesOfUid.GetValueOrDefault(uid);

    // What the runtime itself opens, with room to go on when the limit is reached: .NET does not survive a failing open. It has a quarter
    // of a small limit, which DescriptorShare keeps clients from.
    ulong OwnDescriptors => Math.Min(512, MaxDescriptors.Most / 4);

    public ulong DescriptorsUsed => OwnDescriptors + (ulong)_objects + (ulong)(OtherDescriptors?.Invoke() ?? 0);

    /// <summary>Counts an object if no limit forbids it.</summary>
    /// <exception cref="QmpException">The object would exceed a limit; its name and value are in the text.</exception>
    internal void Admit(QomObject made)
    {
        state.AssertHeld();
        var size = made.Cost;
        if (MaxObjects.IsReachedBy(_objects))
            throw QmpErrors.LimitReached(MaxObjects);
        if (!MaxBytes.HasRoomFor(size, _bytes))
            throw QmpErrors.LimitReached(MaxBytes);
        if (!MaxBytesPerUid.HasRoomFor(size, _bytesOfUid.GetValueOrDefault(made.Owner)))
            throw QmpErrors.LimitReached(MaxBytesPerUid);
        if (!Mappings.HasRoomFor(made.MostMappings))
            throw QmpErrors.LimitReached(MaxMappings);
        var descriptors = MaxDescriptors;
        if (DescriptorsUsed >= descriptors.Most)
            throw QmpErrors.LimitReached(descriptors);
        Count(made);
    }

    /// <summary>Counts an object that was there before, whatever the limits are now.</summary>
    internal void Count(QomObject made)
    {
        state.AssertHeld();
        var size = made.Cost;
        _objects++;
        Mappings.Add(made.MostMappings);
        _bytes += size;
        _bytesOfUid[made.Owner] = _bytesOfUid.GetValueOrDefault(made.Owner) + size;
    }

    /// <summary>Called when the object is mapped, or cannot be.</summary>
    internal void Settle(QomObject made)
    {
        if (!made.IsSettled)
            Mappings.Settle(made.MostMappings);
        made.IsSettled = true;
    }

    internal void Release(QomObject made)
    {
        state.AssertHeld();
        Settle(made);
        Mappings.Release(made.MostMappings);
        var size = made.Cost;
        _objects--;
        _bytes -= size;
        var left = _bytesOfUid.GetValueOrDefault(made.Owner) - size;
        if (left == 0)
            _bytesOfUid.Remove(made.Owner);
        else
            _bytesOfUid[made.Owner] = left;
    }
}
