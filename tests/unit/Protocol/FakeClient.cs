using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Protocol;

/// <summary>A client of no protocol: remembers what it is sent, and serves nothing until it is disconnected.</summary>
sealed class FakeClient(PeerCredentials? peer = null) : global::HostMemd.Protocol.Contract.Client(peer ?? PeerCredentials.Unknown)
{
    readonly TaskCompletionSource _disconnected = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public bool Begun { get; set; } = true;
    public List<Notice> Notices { get; } = [];

    /// <summary>Called with each event, on the thread that sends it.</summary>
    public Action<Notice>? Notified { get; set; }

    public override bool HasBegun => Begun;
    public override int Queued => 0;
    public override long PendingOutput => 0;

    /// <summary>Completes when the client was disconnected.</summary>
    public Task Disconnected => _disconnected.Task;

    public override void Notify(Notice notice)
    {
        Notices.Add(notice);
        Notified?.Invoke(notice);
    }

    public override SafeFileHandle? TakeDescriptor(long batch) => null;

    protected override void Disconnect() => _disconnected.TrySetResult();
}
