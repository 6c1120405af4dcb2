namespace HostMemd.Faulty;

/// <summary>Something a client asks for.</summary>
/// <param name="Name">For the test's name.</param>
/// <param name="Request">The command.</param>
/// <param name="Before">What must be there before; these do not fail.</param>
/// <param name="IsConfined"><c>mem-path</c> is only allowed in the test's folder.</param>
sealed record Operation(string Name, string Request, string[] Before, bool IsConfined = false)
{
    // A length that nothing else has, and enough for the alignment to huge pages.
    public const ulong Size = 37 * 4096 + (2 << 20);

    const string Full = ""","merge":true,"dump":false,"policy":"bind","host-nodes":[0]""";

    const string Delete = """{"execute":"object-del","arguments":{"id":"m"}}""";
    const string Context = """{"execute":"object-add","arguments":{"qom-type":"thread-context","id":"t","cpu-affinity":[0]}}""";

    static string Add(string type, string more = "", string id = "m") =>
        $$$"""{"execute":"object-add","arguments":{"qom-type":"memory-backend-{{{type}}}","id":"{{{id}}}","size":{{{Size}}}{{{more}}}}}""";

    static string Set(string property, string value) =>
        $$$"""{"execute":"qom-set","arguments":{"path":"m","property":"{{{property}}}","value":{{{value}}}}}""";

    public static readonly Operation[] All =
    [
        new("add ram", Add("ram", Full), []),
        new("add ram shared", Add("ram", ""","share":true""" + Full), []),
        new("add ram prealloc", Add("ram", ""","prealloc":true"""), []),
        new("add ram prealloc in a context", Add("ram", ""","prealloc":true,"prealloc-context":"t" """), [Context]),
        new("add memfd", Add("memfd", Full), []),
        new("add memfd prealloc", Add("memfd", ""","prealloc":true"""), []),
        new("add shm", Add("shm", Full), []),
        new("add shm prealloc", Add("shm", ""","prealloc":true"""), []),
        new("add file", Add("file", ""","share":true,"mem-path":"@/f" """ + Full), []),
        new("add file prealloc", Add("file", ""","share":true,"prealloc":true,"mem-path":"@/f" """), []),
        new("add file private", Add("file", ""","mem-path":"@/f" """), []),
        new("add file in a directory", Add("file", ""","share":true,"mem-path":"@" """), []),
        new("add file confined", Add("file", ""","share":true,"mem-path":"@/f" """), [], IsConfined: true),
        new("add file in a confined directory", Add("file", ""","share":true,"mem-path":"@" """), [], IsConfined: true),
        new("add file pmem", Add("file", ""","share":true,"pmem":true,"mem-path":"@/f" """), []),
        new("add thread-context", Context, []),
        new("del ram", Delete, [Add("ram")]),
        new("del memfd", Delete, [Add("memfd")]),
        new("del shm", Delete, [Add("shm")]),
        new("del file", Delete, [Add("file", ""","share":true,"discard-data":true,"mem-path":"@/f" """)]),
        new("set merge", Set("merge", "false"), [Add("ram")]),
        new("set merge on", Set("merge", "true"), [Add("ram", ""","merge":false""")]),
        new("set dump", Set("dump", "false"), [Add("ram")]),
        new("set dump on", Set("dump", "true"), [Add("ram", ""","dump":false""")]),
        new("set prealloc of ram", Set("prealloc", "true"), [Add("ram")]),
        new("set prealloc of memfd", Set("prealloc", "true"), [Add("memfd")]),
        new("set prealloc of file", Set("prealloc", "true"), [Add("file", ""","share":true,"mem-path":"@/f" """)]),
        new("set policy", Set("policy", "\"preferred\""), [Add("memfd", Full)]),
        new("set host-nodes", Set("host-nodes", "[0]"), [Add("ram", ""","policy":"default" """)]),
        new("set cpu-affinity", """{"execute":"qom-set","arguments":{"path":"t","property":"cpu-affinity","value":[0]}}""", [Context]),
        new("map memfd", """{"execute":"memdev-map","arguments":{"id":"m"}}""", [Add("memfd")]),
        new("map file read-only", """{"execute":"memdev-map","arguments":{"id":"m","readonly":true}}""",
            [Add("file", ""","share":true,"mem-path":"@/f" """)]),
        new("statistics", """{"execute":"query-memdev-stats"}""", [Add("memfd"), Add("ram", id: "n")]),
        new("mappings", """{"execute":"query-memdev-mappings"}""", [Add("memfd")]),
    ];

    public override string ToString() => Name;
}
