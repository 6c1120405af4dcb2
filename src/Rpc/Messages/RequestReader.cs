using HostMemd.Qapi;
using StreamJsonRpc;

namespace HostMemd.Rpc.Messages;

/// <summary>Reads the envelope of one message. What JSON-RPC 2.0 does not know of is skipped.</summary>
static class RequestReader
{
    /// <summary>The member of <c>params</c> that asks for progress. No argument can have that name.</summary>
    public const string Progress = "$progress";

    /// <summary>
    /// The request, or null: then <paramref name="fault"/> is the answer to <paramref name="id"/>, or null for a message that has none,
    /// such
    /// as a reply to a request that the daemon never sent.
    /// </summary>
    public static RpcRequest? Read(Value message, RpcBatch? batch, out RequestId id, out RpcFault? fault)
    {
        id = RequestId.Null;
        fault = null;
        if (!message.TryObject(out var members))
        {
            fault = NotARequest(RpcErrors.NotAnObject());
            return null;
        }
        var hasId = members.TryGet("id", out var sent);
        if (hasId && !RequestIds.TryRead(sent, out id))
        {
            id = RequestId.Null;
            fault = NotARequest(RpcErrors.BadId());
            return null;
        }
        if (!members.Contains("method") && (members.Contains("result") || members.Contains("error")))
            return null;
        return Read(members, hasId ? id : RequestId.NotSpecified, batch, out fault);
    }

    static RpcRequest? Read(Members members, RequestId id, RpcBatch? batch, out RpcFault? fault)
    {
        fault = null;
        if (!members["jsonrpc"].TryString(out var version) || version != "2.0")
            fault = NotARequest(RpcErrors.NoVersion());
        else if (!members["method"].TryString(out var method))
            fault = NotARequest(RpcErrors.NoMethod());
        else if (members["params"] is var parameters && parameters.Kind == ValueKind.Null)
            return new(method) { RequestId = id, Named = Members.None, Batch = batch };
        else if (parameters.TryList(out var positional))
            return new(method) { RequestId = id, Positional = positional, Batch = batch };
        else if (!parameters.TryObject(out var named))
            fault = NotARequest(RpcErrors.BadParams());
        else if (!named.TryGet(Progress, out var token))
            return new(method) { RequestId = id, Named = named, Batch = batch };
        else if (token.Kind is not (ValueKind.String or ValueKind.Int or ValueKind.UInt))
            fault = new(RpcErrorCodes.InvalidParams, RpcErrors.BadProgress());
        else
            return new(method) { RequestId = id, Named = Without(named, Progress), ProgressToken = token, Batch = batch };
        return null;
    }

    static RpcFault NotARequest(QmpException why) => new(RpcErrorCodes.InvalidRequest, why);

    static Members Without(Members members, string name)
    {
        var others = new Members(members.Count);
        foreach (var (member, value) in members.Span)
        {
            if (member != name)
                others.Add(member, value);
        }
        return others;
    }
}
