using HostMemd.Qapi;

namespace HostMemd.Rpc;

/// <summary>An error as it goes to a client.</summary>
/// <param name="Code">One of <see cref="RpcErrorCodes"/>.</param>
/// <param name="Error">Class and text, as QMP has them.</param>
sealed record RpcFault(int Code, QmpException Error)
{
    /// <summary>The refusal of a command.</summary>
    public static RpcFault Of(QmpException error) => new(CodeOf(error), error);

    static int CodeOf(QmpException error) => error.Kind switch
    {
        RefusalKind.UnknownCommand => RpcErrorCodes.MethodNotFound,
        RefusalKind.InvalidArguments => RpcErrorCodes.InvalidParams,
        RefusalKind.Cancelled => RpcErrorCodes.Cancelled,
        RefusalKind.Internal => RpcErrorCodes.Internal,
        _ => error.Class == ErrorClass.CommandNotFound ? RpcErrorCodes.MethodNotFound : RpcErrorCodes.Refused,
    };

    /// <summary>
    /// What the error's <c>data</c> is: class and text for clients that know QMP, type and message for those made with StreamJsonRpc, which
    /// look for them.
    /// </summary>
    public Value Data
    {
        get
        {
            var kind = Value.From(Error.Class.ToString());
            var text = Value.From(Error.Message);
            return Value.Object(("class", kind), ("desc", text), ("type", kind), ("message", text));
        }
    }
}
