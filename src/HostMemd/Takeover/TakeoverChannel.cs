using System.Net.Sockets;
using System.Runtime.InteropServices;
using System.Text;
using HostMemd.Config;
using HostMemd.Linux;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Sockets;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Takeover;

/// <summary>Everything that the running daemon hands to the next one.</summary>
sealed record Handed(IReadOnlyList<PassedDescriptor> Kept, IReadOnlyList<HandedSocket> Sockets);

/// <summary>
/// The stream over which one daemon hands everything to the next. Each descriptor travels with the first byte of a line that describes
/// it; an end line follows. The other side answers with a byte when it serves. All calls block, for 30 s at most.
/// </summary>
sealed class TakeoverChannel(Socket socket) : IDisposable
{
    const int PatienceMilliseconds = 30_000;
    const byte Served = (byte)'S';

    public void Send(Handed handed)
    {
        foreach (var kept in handed.Kept)
            SendLine(Value.Object(("kind", Value.From("kept")), ("name", Value.From(kept.Name))), kept.Handle);
        foreach (var listener in handed.Sockets)
        {
            var line = new Members();
            line.Add("kind", Value.From("socket"));
            if (listener.Path is not null)
                line.Add("path", Value.From(listener.Path));
            line.Add("pretty", Value.From(listener.Mode.Pretty));
            line.Add("protocol", Value.From(listener.Mode.Protocol));
            SendLine(Value.From(line), listener.Handle);
        }
        SendLine(Value.Object(("kind", Value.From("end"))), null);
    }

    void SendLine(Value line, SafeHandle? descriptor)
    {
        ReadOnlySpan<byte> bytes = Encoding.UTF8.GetBytes(JsonWriter.ToText(line) + "\n");
        while (bytes.Length > 0)
        {
            var errno = FdPassing.Send(socket.SafeHandle, bytes, descriptor, out var sent);
            if (errno.Ok)
            {
                bytes = bytes[sent..];
                descriptor = null;
            }
            else if (errno != Errno.EAGAIN || !socket.Poll(PatienceMilliseconds * 1000, SelectMode.SelectWrite))
                throw new IOException("the other side is gone");
        }
    }

    /// <exception cref="StartException">The other side closed the stream, or sent nothing for 30 s.</exception>
    public Handed Receive()
    {
        var arrived = new ReceivedDescriptors();
        var kept = new List<PassedDescriptor>();
        var sockets = new List<HandedSocket>();
        try
        {
            Receive(arrived, kept, sockets);
            return new(kept, sockets);
        }
        catch
        {
            foreach (var handle in kept.Select(k => k.Handle).Concat(sockets.Select(s => s.Handle)))
                handle.Dispose();
            throw;
        }
        finally
        {
            arrived.Close();
        }
    }

    void Receive(ReceivedDescriptors arrived, List<PassedDescriptor> kept, List<HandedSocket> sockets)
    {
        var text = new List<byte>();
        var buffer = new byte[4096];
        while (true)
        {
            if (!socket.Poll(PatienceMilliseconds * 1000, SelectMode.SelectRead))
                throw new StartException("the running daemon hands nothing over");
            // A receive ends at a descriptor, so it brings at most the descriptor's own line and what precedes it.
            var errno = FdPassing.Receive(socket.SafeHandle, buffer, arrived.Add, out var received);
            if (errno == Errno.EAGAIN)
                continue;
            if (received == 0)
                throw new StartException("the running daemon broke off while handing over");
            text.AddRange(buffer.AsSpan(0, received));
            while (text.IndexOf((byte)'\n') is >= 0 and var end)
            {
                var line = JsonInput.Read(CollectionsMarshal.AsSpan(text)[..end]);
                text.RemoveRange(0, end + 1);
                if (!line.TryObject(out var members) || !members["kind"].TryString(out var kind))
                    throw new StartException("the running daemon hands over what is not understood");
                if (kind == "end")
                    return;
                if (arrived.TakeOldest() is not { } handle)
                    throw new StartException("a descriptor was lost on the way from the running daemon");
                if (kind == "socket")
                {
                    var path = members["path"].TryString(out var file) ? file : null;
                    sockets.Add(new(handle, path, ModeOf(members)));
                }
                else
                    kept.Add(new(members["name"].TryString(out var name) ? name : "", handle));
            }
        }
    }

    // A daemon from before there were protocols names none.
    static SocketMode ModeOf(Members line)
    {
        var mode = new SocketMode(line["pretty"].TryBool(out var pretty) && pretty);
        return line["protocol"].TryString(out var protocol) ? mode with { Protocol = protocol } : mode;
    }

    public void SendServed() => socket.Send([Served]);

    /// <summary>Waits until the other side serves. False if it has closed the stream, or takes longer than 30 s.</summary>
    public bool WaitServed()
    {
        Span<byte> answer = stackalloc byte[1];
        return socket.Poll(PatienceMilliseconds * 1000, SelectMode.SelectRead) && socket.Receive(answer) == 1 && answer[0] == Served;
    }

    public void Dispose() => socket.Dispose();
}
