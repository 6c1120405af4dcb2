using HostMemd.Protocol.Clients;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Qmp;

/// <summary>The front end of QMP: greets each client and serves it.</summary>
/// <param name="greeting">The first message to each client.</param>
/// <param name="run">Runs the commands.</param>
/// <param name="clients">Admits and counts the clients.</param>
public sealed class SessionHost(Value greeting, CommandRunner run, ClientRegistry clients) : IFrontEnd
{
    // One delegate for all clients.
    readonly Action<Client, long> _unfinished = clients.SetUnfinished;

    public string Protocol => SocketMode.Qmp;

    public void Serve(SafeFileHandle client, SocketMode mode)
    {
        if (!clients.TryAdmit(client, mode, out var peer, out var role))
            return;
        var limits = clients.Limits;
        var output = new Output(mode.Pretty, (long)limits.OutputBytes.Most) { Socket = client };
        var session = new Session(output, peer, run, limits) { Role = role };
        // What an observer may do takes no descriptors: those it sends are not even kept until the next message.
        session.Descriptors.Highest = role == Role.Observer ? -1 : limits.Descriptors;
        var connection = new Connection(client, session, output, limits, _unfinished);
        // The greeting is the first write and nothing else is in it: some clients take the first piece they read for all of it.
        output.Send(greeting);
        output.Flush();
        clients.Serve(session, connection.RunAsync);
    }
}
