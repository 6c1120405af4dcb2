namespace HostMemd.Rpc;

/// <summary>The method names that are this protocol's own. No command can have one: commands have neither dot nor dollar sign.</summary>
static class RpcCommands
{
    /// <summary>A request: returns the OpenRPC document.</summary>
    public const string Discover = "rpc.discover";

    /// <summary>A notification of a client: cancels the request <c>id</c>.</summary>
    public const string Cancel = "$/cancelRequest";

    /// <summary>A notification of the daemon: <c>token</c>, and the <c>value</c> with <c>current</c> and <c>total</c> bytes.</summary>
    public const string Progress = "$/progress";
}
