using System.Globalization;

namespace HostMemd.Qapi;

/// <summary>
/// Every error text that a client can receive, one factory each. Texts that QEMU also sends are QEMU's to the last blank; the others are
/// one clause, with the value quoted.
/// </summary>
public static partial class QmpErrors
{
    static QmpException Generic(string text) => new(ErrorClass.GenericError, text);

    // Arguments and properties that do not match the schema.
    public static QmpException ParameterMissing(string name) => Generic($"Parameter '{name}' is missing");
    public static QmpException ParameterUnexpected(string name) => Generic($"Parameter '{name}' is unexpected");
    public static QmpException InvalidParameter(string name) => Generic($"Invalid parameter '{name}'");
    public static QmpException InvalidParameterType(string? name, string expected) =>
        Generic($"Invalid parameter type for '{name ?? "null"}', expected: {expected}");
    public static QmpException Expects(string? name, string what) => Generic($"Parameter '{name ?? "null"}' expects {what}");
    public static QmpException DoesNotAcceptValue(string? name, string value) =>
        Generic($"Parameter '{Numbers.LastPart(name) ?? "null"}' does not accept value '{value}'");

    // The envelope and the negotiation.
    public static QmpException NotAnObject() => Generic("QMP input must be a JSON object");
    public static QmpException MemberMustBe(string member, string what) => Generic($"QMP input member '{member}' must be {what}");
    public static QmpException MemberUnexpected(string member) => Generic($"QMP input member '{member}' is unexpected");
    public static QmpException MembersClash() => Generic("QMP input member 'execute' clashes with 'exec-oob'");
    public static QmpException LacksExecute() => Generic("QMP input lacks member 'execute'");
    public static QmpException NoOutOfBand(string command) => Generic($"The command {command} does not support OOB");
    public static QmpException CommandNotFound(string command) =>
        new(ErrorClass.CommandNotFound, $"The command {command} has not been found", RefusalKind.UnknownCommand);
    public static QmpException ExpectingNegotiation() =>
        new(ErrorClass.CommandNotFound, "Expecting capabilities negotiation with 'qmp_capabilities'");
    public static QmpException AlreadyNegotiated() =>
        new(ErrorClass.CommandNotFound, "Capabilities negotiation is already complete, command ignored");
    public static QmpException RequestTooLarge(Limit limit) =>
        Generic(string.Create(CultureInfo.InvariantCulture, $"request is larger than the limit {limit.WireName} of {limit.Most} bytes"));
    public static QmpException LimitReached(Limit limit) => Generic(limit.Reached);
    public static QmpException NoThread(string why) => Generic($"no thread can be started: {why}");
    public static QmpException NeedsRole(string command, string role) => Generic($"The command {command} needs the role {role}");
    public static QmpException PathNotAllowed(string path) => Generic($"mem-path '{path}' is not below a directory of MemPaths");
    public static QmpException Internal() => new(ErrorClass.GenericError, "internal error", RefusalKind.Internal);
    public static QmpException Cancelled() => new(ErrorClass.GenericError, "the command was cancelled", RefusalKind.Cancelled);

    // JSON. The position is where the offending token starts.
    public static QmpException JsonParse(long line, long column, string what) =>
        Generic(string.Create(CultureInfo.InvariantCulture, $"{line}:{column}: JSON parse error, {what}"));
    public static QmpException JsonMissing() => Generic("Expecting a JSON value");
    public static QmpException JsonSeveral() => Generic("Expecting at most one JSON value");
    public static QmpException JsonNesting() => Generic("JSON nesting depth limit exceeded");
    public static QmpException JsonTokenSize() => Generic("JSON token size limit exceeded");
    public static QmpException JsonTokenCount() => Generic("JSON token count limit exceeded");

    // Objects.
    public static QmpException BadIdentifier() => Expects("id", "an identifier");
    public static QmpException DuplicateObject(string id) =>
        Generic($"attempt to add duplicate property '{id}' to object (type 'container')");
    public static QmpException ObjectNotFound(string id) => Generic($"object '{id}' not found");
    public static QmpException InvalidObjectType(string type) => Generic($"invalid object type: {type}");
    public static QmpException DeviceNotFound(string path) => new(ErrorClass.DeviceNotFound, $"Device '{path}' not found");
    public static QmpException ClassNotFound(string name) => new(ErrorClass.DeviceNotFound, $"Class '{name}' not found");
    public static QmpException PathAmbiguous(string path) => Generic($"Path '{path}' is ambiguous");
    public static QmpException PropertyNotFound(string type, string property) => Generic($"Property '{type}.{property}' not found");
    public static QmpException PropertyNotReadable(string type, string property) => Generic($"Property '{type}.{property}' is not readable");
    public static QmpException PropertyNotWritable(string type, string property) => Generic($"Property '{type}.{property}' is not writable");

    public static QmpException ObjectMapped(string id) => Generic($"Cannot delete host memory backend '{id}' which is mapped");
    public static QmpException ObjectBusy(string id) => Generic($"object '{id}' is being deleted");

    public static QmpException NotRestorable(string id) => Generic($"memory of '{id}' was private to the process that ended");
    public static QmpException NotTheSameFile(string id) => Generic($"backing store of '{id}' is another file now");

    // Taking over from a running daemon.
    public static QmpException TakenOver() => Generic("another process has taken over");
    public static QmpException TakeoverBusy(string what) => Generic($"cannot hand over while {what} is under way");
    public static QmpException TakeoverManaged() => Generic("the service manager keeps this daemon's memory: restart the service instead");
    public static QmpException TakeoverFailed() => Generic("the process that was to take over has gone");

    // Lending.
    public static QmpException NotLendable(string id) => Generic($"memory of '{id}' is private to the daemon and cannot be mapped");
    public static QmpException MappingNotFound(string mapping) => Generic($"mapping '{mapping}' not found");
    /// <summary>The pid is 0 for a client in another pid namespace.</summary>
    public static QmpException ProcessNotWatched(int pid, string errno) => Generic(pid == 0 ? $"the client's process cannot be watched: {errno}"
        : string.Create(CultureInfo.InvariantCulture, $"process {pid} cannot be watched: {errno}"));
    public static QmpException NumberOfAnotherNamespace(long pid) => Generic(string.Create(CultureInfo.InvariantCulture,
        $"process {pid} cannot be told: the client is in another pid namespace, where the number means another process"));
    public static QmpException ObjectLentElsewhere(string id, string mapping) =>
        Generic($"{ObjectMapped(id).Message}: '{mapping}' is lent to a process of another pid namespace, which has no number here");
    public static QmpException CannotLookAtProcesses(string errno) => Generic($"cannot look for processes that have the memory: {errno}");
    public static QmpException CannotLend(string id, string errno) => Generic($"cannot open the memory of '{id}' for lending: {errno}");

    // Memory backends: properties.
    public static QmpException PropertyDoesNotTake(string type, string property, string value) =>
        Generic($"property '{property}' of {type} doesn't take value '{value}'");
    public static QmpException PropertyDoesNotTakeDotted(string type, string property, string value) =>
        Generic($"Property '{type}.{property}' doesn't take value '{value}'");
    /// <summary>The blank at the end is QEMU's.</summary>
    public static QmpException CannotChangeSize(string type) => Generic($"cannot change property size of {type} ");
    public static QmpException CannotChange() => Generic("cannot change property value");
    public static QmpException CannotChange(string type, string property) => Generic($"cannot change property '{property}' of {type}");
    /// <summary>The full stop is QEMU's.</summary>
    public static QmpException CannotChangeStop(string type, string property) => Generic($"cannot change property '{property}' of {type}.");
    public static QmpException InvalidHostNode(int node) =>
        Generic(string.Create(CultureInfo.InvariantCulture, $"Invalid host-nodes value: {node}"));
    public static QmpException PreallocWithoutReserve() => Generic("'prealloc=on' and 'reserve=off' are incompatible");
    public static QmpException MergingNotSupported() => Generic("Memory merging is not supported on this host");
    public static QmpException DumpNotSupported() => Generic("Dumping guest memory cannot be disabled on this host");
    /// <summary>The text of 2016's QEMU under <c>-mem-prealloc</c>.</summary>
    public static QmpException ForcedPrealloc() => Generic("remove -mem-prealloc to use the prealloc property");
    public static QmpException SizeTooLarge(string type, ulong size) =>
        Generic(string.Create(CultureInfo.InvariantCulture, $"property 'size' of {type} doesn't take value '{size}'"));
    public static QmpException PathWithNul(string property) => Generic($"Parameter '{property}' must not contain U+0000");
    public static QmpException AdviceFailed(string property, string advice, string errno) =>
        Generic($"cannot change property '{property}': {advice} failed: {errno}");

    // Memory backends: allocation.
    public static QmpException NoRoom(string errno) => Generic($"no room can be kept for the daemon itself: {errno}");
    public static QmpException CannotSetUp(string name, string? errno) =>
        Generic($"cannot set up guest memory '{name}'{Colon(errno)}");
    public static QmpException CannotMap(string? errno) => Generic($"unable to map backing store for guest RAM{Colon(errno)}");
    public static QmpException CannotOpen(string path, string errno) => Generic($"can't open backing store {path} for guest RAM: {errno}");
    public static QmpException TooSmall(string name, ulong store, ulong size, ulong offset) =>
        Generic($"{name} backing store size 0x{store:x} is too small for 'size' option 0x{size:x} plus 'offset' option 0x{offset:x}");
    public static QmpException AlignmentMultiple(ulong align, ulong page) =>
        Generic($"alignment 0x{align:x} must be multiples of page size 0x{page:x}");
    public static QmpException AlignmentPower(ulong align) => Generic($"alignment 0x{align:x} must be a power of two");
    public static QmpException AlignmentStore(ulong store, ulong align) =>
        Generic($"backing store align 0x{store:x} is larger than 'align' option 0x{align:x}");
    public static QmpException OffsetMultiple(ulong offset, ulong page) =>
        Generic($"offset 0x{offset:x} must be multiples of page size 0x{page:x}");
    public static QmpException SmallerThanPage(ulong size, ulong page) =>
        Generic($"memory size 0x{size:x} must be equal to or larger than page size 0x{page:x}");
    public static QmpException SizeMultiple(string type, string page) =>
        Generic($"backend '{type}' memory size must be multiple of {page}");
    public static QmpException CannotResizeFile(string path, ulong length, string errno) =>
        Generic(string.Create(CultureInfo.InvariantCulture, $"failed to resize backing store {path} to {length}: {errno}"));
    public static QmpException HugePageSizePower() => Generic("Hugepage size must be a power of 2");
    public static QmpException CannotCreateMemfd(uint flags, string errno) => Generic($"failed to create memfd with flags 0x{flags:x}: {errno}");
    public static QmpException CannotResizeMemfd(ulong size, string errno) =>
        Generic(string.Create(CultureInfo.InvariantCulture, $"failed to resize memfd to {size}: {errno}"));
    public static QmpException CannotSeal(int seals, string errno) => Generic($"failed to add seals 0x{seals:x}: {errno}");
    public static QmpException ShmNotShared() => Generic("can't create shm backend with `share=off`");
    public static QmpException CannotCreateShm(string errno) => Generic($"failed to create POSIX shared memory: {errno}");
    public static QmpException CannotResizeShm(ulong size, string errno) =>
        Generic(string.Create(CultureInfo.InvariantCulture, $"failed to resize POSIX shared memory to {size}: {errno}"));
    public static QmpException RomNeedsReadonly() => Generic("property 'rom' = 'on' is not supported with 'readonly' = 'off'");
    public static QmpException RomOffShared() =>
        Generic("property 'rom' = 'off' is incompatible with 'readonly' = 'on' and 'share' = 'on'");
    public static QmpException ReadonlyPrealloc() => Generic("'prealloc=on' and 'rom=on' are incompatible");

    // NUMA and preallocation.
    public static QmpException NodesForDefault() =>
        Generic("host-nodes must be empty for policy default, or you should explicitly specify a policy other than default");
    public static QmpException NodesMustBeSet(string policy) => Generic($"host-nodes must be set for policy {policy}");
    public static QmpException CannotBind(string errno) => Generic($"cannot bind memory to host NUMA nodes: {errno}");
    public static QmpException NumaNodesNotSupported() => Generic("NUMA node binding are not supported by this QEMU");
    public static QmpException NumaPolicyNotSupported() => Generic("NUMA policies are not supported by this QEMU");
    public static QmpException PreallocFailed(string errno) => Generic($"qemu_prealloc_mem: preallocating memory failed: {errno}");

    public static QmpException NodesNotOnline(IReadOnlyList<int> nodes) =>
        CannotBind(nodes.Count == 1 ? $"node {nodes[0]} is not online" : $"nodes {string.Join(", ", nodes)} are not online");

    // thread-context.
    public static QmpException CpuListEmpty() => Generic("CPU list is empty");
    public static QmpException NodeListEmpty() => Generic("Node list is empty");
    public static QmpException NoCpusSelected() => Generic("The nodes select no CPUs");
    public static QmpException AffinityFailed(string errno) => Generic($"Setting CPU affinity failed: {errno}");
    public static QmpException AffinityUnknown(string errno) => Generic($"Getting CPU affinity failed: {errno}");
    public static QmpException MixedAffinity() => Generic("Mixing CPU and node affinity not supported");

    // Introspection.
    public static QmpException NotAQomType() => Expects("typename", "a QOM type");

    // Descriptors and jobs.
    public static QmpException NoDescriptor() => Generic("No file descriptor supplied via SCM_RIGHTS");
    public static QmpException DescriptorName() => Expects("fdname", "a name not starting with a digit");
    public static QmpException DescriptorNotFound(string name) => Generic($"File descriptor named '{name}' not found");
    public static QmpException NotNegative(string name) => Expects(name, "a non-negative value");
    public static QmpException YankInstanceNotFound() => new(ErrorClass.DeviceNotFound, "Instance not found");
    public static QmpException InvalidJobId(string id) => Generic($"Invalid job ID '{id}'");
    public static QmpException JobIdInUse(string id) => Generic($"Job ID '{id}' already in use");
    public static QmpException JobVerb(string id, string status, string verb) =>
        Generic($"Job '{id}' in state '{status}' cannot accept command verb '{verb}'");
    public static QmpException JobNotFound() => Generic("Job not found");

    static string Colon(string? text) => text is null ? "" : ": " + text;
}
