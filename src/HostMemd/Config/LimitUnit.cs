namespace HostMemd.Config;

/// <summary>What a limit counts. Bytes may be written with a suffix.</summary>
enum LimitUnit
{
    Clients,
    Objects,
    Jobs,
    Requests,
    Threads,
    Bytes,
}
