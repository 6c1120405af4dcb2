namespace HostMemd.Qapi;

/// <summary>
/// The two dialects in which QEMU reads a value from text. They differ in their error texts and in how lists are written.
/// </summary>
public enum TextForm
{
    /// <summary>The command line's <c>-object TYPE,key=value</c>: <c>host-nodes=0-3</c> is a list.</summary>
    CommandLine,

    /// <summary>The human monitor's <c>object_add</c>: lists are <c>host-nodes.0=0</c>, texts are the keyval visitor's.</summary>
    KeyValue,
}
