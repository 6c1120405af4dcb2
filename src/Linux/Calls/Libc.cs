using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

// Every argument that crosses into libc is blittable; the marshaller can only get in the way.
[assembly: DisableRuntimeMarshalling]

namespace HostMemd.Linux;

static class Libc
{
    /// <summary>The runtime turns this name into <c>libc.so.6</c>, JIT and AOT alike.</summary>
    internal const string Name = "libc";

    /// <summary>True for text that C would cut short: a path must not mean something else to the kernel than to the client.</summary>
    internal static bool HasNul(string text) => text.Contains('\0');

    /// <summary>Picks the value of this machine's architecture, for the few constants that differ.</summary>
    internal static int PerArch(int x64, int arm64) =>
        RuntimeInformation.ProcessArchitecture == Architecture.Arm64 ? arm64 : x64;
}
