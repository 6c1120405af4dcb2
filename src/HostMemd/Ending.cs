namespace HostMemd;

/// <summary>How the daemon ends, which decides what becomes of the memory. A later one in this list overrules an earlier one.</summary>
enum Ending
{
    /// <summary>A signal. Memory in a descriptor store outlives the process, other memory does not.</summary>
    Signal,

    /// <summary>A client gave <c>quit</c>. All memory is released, in the store too.</summary>
    Quit,

    /// <summary>A takeover from another process is not complete. That process still has the memory, and its files stay.</summary>
    Undone,

    /// <summary>Another process has taken over. The memory and its files are that process's now.</summary>
    HandedOver,
}
