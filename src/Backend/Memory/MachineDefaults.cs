using HostMemd.Qapi;

namespace HostMemd.Backend.Memory;

/// <summary>The initial values of every backend, which QEMU's machine supplies.</summary>
public sealed record MachineDefaults
{
    /// <summary>Initial <c>merge</c> (QEMU: machine property mem-merge).</summary>
    public bool MemMerge { get; init; } = true;

    /// <summary>Initial <c>dump</c> (QEMU: machine property dump-guest-core).</summary>
    public bool DumpGuestCore { get; init; } = true;

    /// <summary>Initial <c>prealloc-threads</c> (QEMU: the machine's CPUs).</summary>
    public uint Cpus { get; init; } = 1;

    /// <summary>QEMU 2016's <c>-mem-prealloc</c>: every backend is filled, and refuses <c>prealloc=on</c>.</summary>
    public bool MemPrealloc { get; init; }

    /// <summary>Values that every object of a class, or of one derived from it, gets before its own.</summary>
    public IReadOnlyList<GlobalProperty> Globals { get; init; } = [];
}

/// <summary>One <c>--global TYPE.PROPERTY=VALUE</c>; the value is text of the command line's form.</summary>
public sealed record GlobalProperty(string Type, string Property, string Text);
