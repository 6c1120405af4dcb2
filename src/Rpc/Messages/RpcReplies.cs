using HostMemd.Qapi;
using StreamJsonRpc;
using StreamJsonRpc.Protocol;

namespace HostMemd.Rpc.Messages;

/// <summary>What goes to a client.</summary>
static class RpcReplies
{
    public static JsonRpcMessage Result(RequestId id, Value result) => new JsonRpcResult { RequestId = id, Result = result };

    public static JsonRpcMessage Error(RequestId id, RpcFault fault) => new JsonRpcError
    {
        RequestId = id,
        Error = new() { Code = (JsonRpcErrorCode)fault.Code, Message = fault.Error.Message, Data = fault.Data },
    };

    public static JsonRpcMessage Notification(string method, Value parameters) =>
        new JsonRpcRequest { Method = method, Arguments = parameters };
}
