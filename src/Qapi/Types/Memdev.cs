using static HostMemd.Qapi.QapiTypes;

namespace HostMemd.Qapi;

/// <summary>A memory backend, as <c>query-memdev</c> lists it.</summary>
public sealed class Memdev
{
    public string? Id { get; set; }
    public ulong Size { get; set; }
    public bool Merge { get; set; }
    public bool Dump { get; set; }
    public bool Prealloc { get; set; }
    public bool Share { get; set; }
    public bool? Reserve { get; set; }
    public IReadOnlyList<ushort> HostNodes { get; set; } = [];
    public HostMemPolicy Policy { get; set; }

    public static QapiEnum<HostMemPolicy> PolicyType { get; } = new("HostMemPolicy",
        ("default", HostMemPolicy.Default), ("preferred", HostMemPolicy.Preferred),
        ("bind", HostMemPolicy.Bind), ("interleave", HostMemPolicy.Interleave));

    public static QapiStruct<Memdev> Schema { get; } = new("Memdev", rows => rows
        .Opt("id", Str, "The backend's id.", m => m.Id, (m, v) => m.Id = v)
        .Row("size", QapiTypes.Size, "Size in bytes, as asked for.", m => m.Size, (m, v) => m.Size = v)
        .Row("merge", Bool, "May be merged with equal pages.", m => m.Merge, (m, v) => m.Merge = v)
        .Row("dump", Bool, "Is part of a core dump.", m => m.Dump, (m, v) => m.Dump = v)
        .Row("prealloc", Bool, "Was filled ahead of use.", m => m.Prealloc, (m, v) => m.Prealloc = v)
        .Row("share", Bool, "Is shared with other processes that map it.", m => m.Share, (m, v) => m.Share = v)
        .Opt("reserve", Bool, "Swap space or huge pages were reserved.", m => m.Reserve, (m, v) => m.Reserve = v)
        .Row("host-nodes", ListOf(U16), "The NUMA nodes of the policy.", m => m.HostNodes, (m, v) => m.HostNodes = v)
        .Row("policy", PolicyType, "The NUMA policy.", m => m.Policy, (m, v) => m.Policy = v));
}
