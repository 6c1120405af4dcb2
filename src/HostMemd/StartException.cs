namespace HostMemd;

/// <summary>The daemon cannot start: an option, a file or a socket is not what it should be. One line, shown to the user.</summary>
public sealed class StartException(string message) : Exception(message.ReplaceLineEndings(" "));
