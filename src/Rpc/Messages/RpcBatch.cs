using StreamJsonRpc.Protocol;

namespace HostMemd.Rpc.Messages;

/// <summary>The replies to the requests of one array, which go out as one array when the last of them is ready. Any thread.</summary>
/// <param name="requests">Elements that are answered: notifications are not.</param>
sealed class RpcBatch(int requests)
{
    readonly List<JsonRpcMessage> _replies = new(requests);
    List<Action>? _afterReply;

    /// <summary>Takes a reply; true with the last one.</summary>
    public bool Add(JsonRpcMessage reply, Action? afterReply)
    {
        lock (_replies)
        {
            _replies.Add(reply);
            if (afterReply is not null)
                (_afterReply ??= []).Add(afterReply);
            return _replies.Count == requests;
        }
    }

    /// <summary>All replies, in the order in which they were ready.</summary>
    public IReadOnlyList<JsonRpcMessage> Replies => _replies;

    /// <summary>Does what was to be done after one of the replies.</summary>
    public void Sent() => _afterReply?.ForEach(after => after());
}
