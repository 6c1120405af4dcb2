namespace HostMemd.Rpc.Framing;

/// <summary>Where the next message begins cannot be known any more: the connection ends.</summary>
sealed class FrameFault(string message) : IOException(message);
