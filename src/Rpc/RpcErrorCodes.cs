namespace HostMemd.Rpc;

/// <summary>The numbers of errors. JSON-RPC 2.0 reserves those from -32768 to -32000.</summary>
static class RpcErrorCodes
{
    /// <summary>The message is not JSON.</summary>
    public const int Parse = -32700;

    /// <summary>The message is JSON, but not a request.</summary>
    public const int InvalidRequest = -32600;

    /// <summary>There is no command of that name.</summary>
    public const int MethodNotFound = -32601;

    /// <summary>The arguments do not match the command's declaration.</summary>
    public const int InvalidParams = -32602;

    /// <summary>A bug of the daemon; its log has the reason.</summary>
    public const int Internal = -32603;

    /// <summary>Every other refusal of a command.</summary>
    public const int Refused = -32000;

    /// <summary>The client cancelled the request, and it ended for that.</summary>
    public const int Cancelled = -32800;
}
