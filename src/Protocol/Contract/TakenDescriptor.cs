using HostMemd.Protocol.Wire;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Contract;

/// <summary>A descriptor that a command has taken; closed with it, unless it found a place.</summary>
public sealed class TakenDescriptor(SafeFileHandle handle) : IDisposable
{
    bool _isReleased;

    public SafeFileHandle Handle { get; } = handle;

    /// <summary>From now on it is the caller's.</summary>
    public SafeFileHandle Release()
    {
        _isReleased = true;
        return Handle;
    }

    public void Dispose()
    {
        if (!_isReleased)
            Closing.Elsewhere(Handle);
    }
}
