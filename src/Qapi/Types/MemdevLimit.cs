using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Qapi;

/// <summary>What is used of one limit, as <c>query-memdev-limits</c> lists it.</summary>
public sealed class MemdevLimit
{
    public string Name { get; set; } = "";
    public ulong Used { get; set; }
    public ulong? Max { get; set; }

    public static QapiStruct<MemdevLimit> Schema { get; } = new("MemdevLimit", rows => rows
        .Row("name", Str, "The limit, as in the configuration, or the kernel's name for it.", l => l.Name, (l, v) => l.Name = v)
        .Row("used", U64, "How much is used now: bytes where the name says so, else a count.", l => l.Used, (l, v) => l.Used = v)
        .Opt("max", U64, "How much there may be, in the same unit; absent where there is no limit.", l => l.Max, (l, v) => l.Max = v));
}
