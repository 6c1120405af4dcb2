using System.Runtime.InteropServices;

namespace HostMemd.Sockets;

/// <summary>A listening socket that a process which takes over receives.</summary>
/// <param name="Path">Its file; null for one that the service manager passed.</param>
/// <param name="Pretty">Replies are indented, for people.</param>
sealed record HandedSocket(SafeHandle Handle, string? Path, bool Pretty);
