using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;
using StreamJsonRpc.Protocol;

namespace HostMemd.Rpc.Messages;

/// <summary>
/// One request, or a notification, of a client. The library dispatches by <see cref="JsonRpcRequest.Method"/>, which is the one name that
/// it knows, so the name that the client sent is put aside.
/// </summary>
sealed class RpcRequest : JsonRpcRequest
{
    /// <summary>The name of the one method that is registered with the library.</summary>
    public const string Dispatched = "$call";

    public RpcRequest(string name)
    {
        Name = name;
        Method = Dispatched;
    }

    /// <summary>The command's name.</summary>
    public string Name { get; }

    /// <summary>Arguments by name; null where they came by position.</summary>
    public Members? Named { get; init; }

    /// <summary>Arguments by position; null where they came by name.</summary>
    public IReadOnlyList<Value>? Positional { get; init; }

    /// <summary>Where progress is sent; null if the client did not ask for it.</summary>
    public Value? ProgressToken { get; init; }

    /// <summary>The batch that the request is a part of, or null.</summary>
    public RpcBatch? Batch { get; init; }

    /// <summary>Which of the received descriptors came with the request.</summary>
    public long DescriptorBatch { get; set; }

    /// <summary>The library's: cancels the request. Null before it is dispatched and after it has ended.</summary>
    public CancellationTokenSource? Cancellation { get; set; }

    /// <summary>Goes with the first byte of the reply.</summary>
    public SafeFileHandle? ReplyDescriptor { get; set; }

    /// <summary>Done when the reply was handed to the socket.</summary>
    public Action? AfterReply { get; set; }
}
