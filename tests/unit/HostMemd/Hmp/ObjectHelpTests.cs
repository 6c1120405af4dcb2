namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary><c>object_add help</c>. The expectations are QEMU 11.1's.</summary>
public class ObjectHelpTests
{
    [Theory]
    [InlineData("object_add memory-backend-ram,help",
        "memory-backend-ram options:\r\n"
        + "  dump=<bool>            - Set to 'off' to exclude from core dump\r\n"
        + "  host-nodes=<int>       - Binds memory to the list of NUMA host nodes\r\n"
        + "  merge=<bool>           - Mark memory as mergeable\r\n"
        + "  policy=<HostMemPolicy> - Set the NUMA policy\r\n"
        + "  prealloc-context=<link<thread-context>> - Context to use for creating CPU threads for preallocation\r\n"
        + "  prealloc-threads=<int> - Number of CPU threads to use for prealloc\r\n"
        + "  prealloc=<bool>        - Preallocate memory\r\n"
        + "  reserve=<bool>         - Reserve swap space (or huge pages) if applicable\r\n"
        + "  share=<bool>           - Mark the memory as private to QEMU or shared\r\n"
        + "  size=<int>             - Size of the memory region (ex: 500M)\r\n"
        + "  x-use-canonical-path-for-ramblock-id=<bool>\r\n")]
    [InlineData("object_add memory-backend-ram,?",
        "memory-backend-ram options:\r\n"
        + "  dump=<bool>            - Set to 'off' to exclude from core dump\r\n"
        + "  host-nodes=<int>       - Binds memory to the list of NUMA host nodes\r\n"
        + "  merge=<bool>           - Mark memory as mergeable\r\n"
        + "  policy=<HostMemPolicy> - Set the NUMA policy\r\n"
        + "  prealloc-context=<link<thread-context>> - Context to use for creating CPU threads for preallocation\r\n"
        + "  prealloc-threads=<int> - Number of CPU threads to use for prealloc\r\n"
        + "  prealloc=<bool>        - Preallocate memory\r\n"
        + "  reserve=<bool>         - Reserve swap space (or huge pages) if applicable\r\n"
        + "  share=<bool>           - Mark the memory as private to QEMU or shared\r\n"
        + "  size=<int>             - Size of the memory region (ex: 500M)\r\n"
        + "  x-use-canonical-path-for-ramblock-id=<bool>\r\n")]
    [InlineData("object_add qom-type=memory-backend-file,help",
        "memory-backend-file options:\r\n"
        + "  align=<int>\r\n"
        + "  discard-data=<bool>\r\n"
        + "  dump=<bool>            - Set to 'off' to exclude from core dump\r\n"
        + "  host-nodes=<int>       - Binds memory to the list of NUMA host nodes\r\n"
        + "  mem-path=<string>\r\n"
        + "  merge=<bool>           - Mark memory as mergeable\r\n"
        + "  offset=<int>           - Offset into the target file (ex: 1G)\r\n"
        + "  pmem=<bool>\r\n"
        + "  policy=<HostMemPolicy> - Set the NUMA policy\r\n"
        + "  prealloc-context=<link<thread-context>> - Context to use for creating CPU threads for preallocation\r\n"
        + "  prealloc-threads=<int> - Number of CPU threads to use for prealloc\r\n"
        + "  prealloc=<bool>        - Preallocate memory\r\n"
        + "  readonly=<bool>\r\n"
        + "  reserve=<bool>         - Reserve swap space (or huge pages) if applicable\r\n"
        + "  rom=<OnOffAuto>        - Whether to create Read Only Memory (ROM)\r\n"
        + "  share=<bool>           - Mark the memory as private to QEMU or shared\r\n"
        + "  size=<int>             - Size of the memory region (ex: 500M)\r\n"
        + "  x-use-canonical-path-for-ramblock-id=<bool>\r\n")]
    [InlineData("object_add memory-backend-memfd,id=h0,help",
        "memory-backend-memfd options:\r\n"
        + "  dump=<bool>            - Set to 'off' to exclude from core dump\r\n"
        + "  host-nodes=<int>       - Binds memory to the list of NUMA host nodes\r\n"
        + "  hugetlb=<bool>         - Use huge pages\r\n"
        + "  hugetlbsize=<int>      - Huge pages size (ex: 2M, 1G)\r\n"
        + "  merge=<bool>           - Mark memory as mergeable\r\n"
        + "  policy=<HostMemPolicy> - Set the NUMA policy\r\n"
        + "  prealloc-context=<link<thread-context>> - Context to use for creating CPU threads for preallocation\r\n"
        + "  prealloc-threads=<int> - Number of CPU threads to use for prealloc\r\n"
        + "  prealloc=<bool>        - Preallocate memory\r\n"
        + "  reserve=<bool>         - Reserve swap space (or huge pages) if applicable\r\n"
        + "  seal=<bool>            - Seal growing & shrinking\r\n"
        + "  share=<bool>           - Mark the memory as private to QEMU or shared\r\n"
        + "  size=<int>             - Size of the memory region (ex: 500M)\r\n"
        + "  x-use-canonical-path-for-ramblock-id=<bool>\r\n")]
    [InlineData("object_add memory-backend-shm,help,help,",
        "memory-backend-shm options:\r\n"
        + "  dump=<bool>            - Set to 'off' to exclude from core dump\r\n"
        + "  host-nodes=<int>       - Binds memory to the list of NUMA host nodes\r\n"
        + "  merge=<bool>           - Mark memory as mergeable\r\n"
        + "  policy=<HostMemPolicy> - Set the NUMA policy\r\n"
        + "  prealloc-context=<link<thread-context>> - Context to use for creating CPU threads for preallocation\r\n"
        + "  prealloc-threads=<int> - Number of CPU threads to use for prealloc\r\n"
        + "  prealloc=<bool>        - Preallocate memory\r\n"
        + "  reserve=<bool>         - Reserve swap space (or huge pages) if applicable\r\n"
        + "  share=<bool>           - Mark the memory as private to QEMU or shared\r\n"
        + "  size=<int>             - Size of the memory region (ex: 500M)\r\n"
        + "  x-use-canonical-path-for-ramblock-id=<bool>\r\n")]
    [InlineData("object_add memory-backend,help",
        "memory-backend options:\r\n"
        + "  dump=<bool>            - Set to 'off' to exclude from core dump\r\n"
        + "  host-nodes=<int>       - Binds memory to the list of NUMA host nodes\r\n"
        + "  merge=<bool>           - Mark memory as mergeable\r\n"
        + "  policy=<HostMemPolicy> - Set the NUMA policy\r\n"
        + "  prealloc-context=<link<thread-context>> - Context to use for creating CPU threads for preallocation\r\n"
        + "  prealloc-threads=<int> - Number of CPU threads to use for prealloc\r\n"
        + "  prealloc=<bool>        - Preallocate memory\r\n"
        + "  reserve=<bool>         - Reserve swap space (or huge pages) if applicable\r\n"
        + "  share=<bool>           - Mark the memory as private to QEMU or shared\r\n"
        + "  size=<int>             - Size of the memory region (ex: 500M)\r\n"
        + "  x-use-canonical-path-for-ramblock-id=<bool>\r\n")]
    [InlineData("object_add thread-context,help",
        "thread-context options:\r\n"
        + "  cpu-affinity=<int>\r\n"
        + "  node-affinity=<int>\r\n")]
    [InlineData("object_add a=1,help,qom-type=thread-context",
        "thread-context options:\r\n"
        + "  cpu-affinity=<int>\r\n"
        + "  node-affinity=<int>\r\n")]
    [InlineData("object_add container,help",
        "There are no options for container.\r\n")]
    [InlineData("object_add object,help",
        "There are no options for object.\r\n")]
    [InlineData("object_add memory-region,help",
        "There are no options for memory-region.\r\n")]
    public async Task Help_OfAType_ListsWhatCanBeSet(string line, string printed) =>
        Assert.Equal(printed, await new TestMonitor().RunAsync(line));

    // Of QEMU's types those that we have.
    [Theory]
    [InlineData("object_add help")]
    [InlineData("object_add ?")]
    [InlineData("object_add help,help")]
    [InlineData("object_add help,")]
    [InlineData("object_add nope,help")]
    [InlineData("object_add id=h0,help")]
    [InlineData("object_add a.b=1,help")]
    [InlineData("object_add ?,a=1")]
    public async Task Help_OfNoType_ListsTheTypes(string line) => Assert.Equal(
        "List of user creatable objects:\r\n"
        + "  memory-backend-file\r\n"
        + "  memory-backend-memfd\r\n"
        + "  memory-backend-ram\r\n"
        + "  memory-backend-shm\r\n"
        + "  thread-context\r\n", await new TestMonitor().RunAsync(line));
}
