namespace HostMemd;

/// <summary>The daemon cannot start: an option, a file, a socket or a limit is wrong. The message is the one line that the user reads.</summary>
public sealed class StartException(string message) : Exception(message.ReplaceLineEndings(" "));
