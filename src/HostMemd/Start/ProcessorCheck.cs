using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics.X86;
using HostMemd.Linux;

namespace HostMemd.Start;

/// <summary>
/// Native AOT's runtime uses cmpxchg16b in its first call through an interface, and does not ask whether the processor has it: without this
/// check the process ends by SIGILL and no line. The start itself must not make such a call before.
/// </summary>
static class ProcessorCheck
{
    // Intel's and AMD's manuals: CPUID, leaf 1, register ECX.
    const int Cmpxchg16b = 1 << 13;

    /// <summary>Ends the process with status 1 and a line where the processor lacks what the runtime needs.</summary>
    public static void Check()
    {
        // The JIT's runtime does without.
        if (RuntimeFeature.IsDynamicCodeSupported || !X86Base.IsSupported || (X86Base.CpuId(1, 0).Ecx & Cmpxchg16b) != 0)
            return;
        StandardStreams.WriteError("hostmemd: the processor lacks cmpxchg16b, which is needed\n");
        Processes.Exit(1);
    }
}
