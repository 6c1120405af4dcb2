using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Client.Wire;

/// <summary>The result of a command that succeeded.</summary>
readonly record struct Reply(Value Value, SafeFileHandle? Descriptor);
