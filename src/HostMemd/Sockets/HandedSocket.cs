using System.Runtime.InteropServices;
using HostMemd.Protocol.Wire;

namespace HostMemd.Sockets;

/// <summary>A listening socket that a process which takes over receives.</summary>
/// <param name="Path">Its file; null for one that the service manager passed.</param>
/// <param name="Mode">What it speaks.</param>
sealed record HandedSocket(SafeHandle Handle, string? Path, SocketMode Mode);
