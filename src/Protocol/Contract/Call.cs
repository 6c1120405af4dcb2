using HostMemd.Protocol.Qmp;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Contract;

/// <summary>One command under way: who gave it, the descriptors that came with it, the one that goes back.</summary>
public sealed class Call(Session session)
{
    public Session Session { get; } = session;
    public Request Request { get; private set; }

    /// <summary>One command after the other uses the same call, if none of them is still under way.</summary>
    internal void Begin(in Request request)
    {
        Request = request;
        ReplyDescriptor = null;
        AfterReply = null;
    }

    /// <summary>The next descriptor that came with this command.</summary>
    /// <exception cref="QmpException">None came, or all were taken.</exception>
    public TakenDescriptor TakeDescriptor() => new(Session.Descriptors.Take(Request.DescriptorBatch) ?? throw QmpErrors.NoDescriptor());

    /// <summary>
    /// Sent with the first byte of the reply, and closed once it is on its way or the reply was an error.
    /// </summary>
    public SafeFileHandle? ReplyDescriptor { get; set; }

    /// <summary>Done right after the reply was handed to the socket: what must not come before it.</summary>
    public Action? AfterReply { get; set; }
}
