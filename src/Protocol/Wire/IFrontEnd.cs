using Microsoft.Win32.SafeHandles;

namespace HostMemd.Protocol.Wire;

/// <summary>Serves the clients of all sockets that speak one protocol.</summary>
public interface IFrontEnd
{
    /// <summary>The protocol's name in the configuration, such as <c>qmp</c>. A listening socket names the one it speaks.</summary>
    string Protocol { get; }

    /// <summary>Takes the client over: serves it from now on, or closes it.</summary>
    void Serve(SafeFileHandle client, SocketMode mode);
}
