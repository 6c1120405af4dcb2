namespace HostMemd.Config;

/// <summary>A socket that <c>--chardev</c> named.</summary>
/// <param name="Id">By which <c>--monitor</c> names it.</param>
/// <param name="Socket">Where it is.</param>
/// <param name="IsUsed">A <c>--monitor</c> has named it.</param>
sealed record Chardev(string Id, SocketOptions Socket, bool IsUsed = false);
