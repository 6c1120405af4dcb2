using HostMemd.Protocol.Wire;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Contract;

/// <summary>A descriptor that a command has taken. It is closed when the command ends, unless the command has released it.</summary>
public sealed class TakenDescriptor(SafeFileHandle handle) : IDisposable
{
    bool _isReleased;

    public SafeFileHandle Handle { get; } = handle;

    /// <summary>The caller owns the descriptor from now on.</summary>
    public SafeFileHandle Release()
    {
        _isReleased = true;
        return Handle;
    }

    public void Dispose()
    {
        if (!_isReleased)
            Closing.InBackground(Handle);
    }
}
