using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client.Wire;

/// <summary>What a command that succeeded came back with.</summary>
readonly record struct Reply(Value Value, SafeFileHandle? Descriptor);
