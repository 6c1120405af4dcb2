using System.Net.Sockets;

namespace HostMemd.Integration.Harness;

/// <summary>A look from outside, by the integration tests and by the fuzzer.</summary>
static class Probe
{
    /// <summary>Whether a process accepts connections at that path.</summary>
    public static bool Listens(string path)
    {
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }
}
