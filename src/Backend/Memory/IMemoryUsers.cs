using HostMemd.Qapi;

namespace HostMemd.Backend.Memory;

/// <summary>What a backend asks before it is deleted: whether another process uses its memory.</summary>
public interface IMemoryUsers
{
    /// <summary>The refusal if the memory is lent, or about to be; else null. Called with the state held.</summary>
    QmpException? Refusal(HostMemoryBackend backend);

    /// <summary>The refusal if the kernel knows of another user, else null. Called <b>without</b> the state.</summary>
    ValueTask<QmpException?> RefusalAsync(HostMemoryBackend backend);
}
