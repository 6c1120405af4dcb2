using HostMemd.Qapi;

namespace HostMemd.Client;

// For programs that want a reply both as it came and typed.
public sealed partial class HostMemdClient
{
    /// <summary>One element of what <c>query-memdev-stats</c> returns. Members that this version does not know are left out.</summary>
    /// <exception cref="QmpException">It is no such thing.</exception>
    public static MemdevStats ReadStats(Value element) => Read(MemdevStats.Schema, element);

    /// <summary>One element of what <c>query-memdev-mappings</c> returns.</summary>
    /// <exception cref="QmpException">It is no such thing.</exception>
    public static MemdevMapping ReadMapping(Value element) => Read(MemdevMapping.Schema, element);

    /// <summary>One element of what <c>query-jobs</c> returns.</summary>
    /// <exception cref="QmpException">It is no such thing.</exception>
    public static JobInfo ReadJob(Value element) => Read(JobInfo.Schema, element);

    /// <summary>One element of what <c>query-memdev-jobs</c> returns.</summary>
    /// <exception cref="QmpException">It is no such thing.</exception>
    public static MemdevJob ReadMemdevJob(Value element) => Read(MemdevJob.Schema, element);

    static T Read<T>(QapiType<T> type, Value element) => type.Read(KnownMembers.Of(element, type.Shape), null);
}
