using HostMemd.Qapi;
using static HostMemd.Qapi.QapiTypes;

namespace HostMemd;

/// <summary>The answer to <c>query-version</c>: the QEMU whose behaviour is followed, with the daemon as its package.</summary>
sealed class VersionInfo
{
    sealed class Triple
    {
        public long Major { get; set; }
        public long Minor { get; set; }
        public long Micro { get; set; }
    }

    static readonly QapiStruct<Triple> s_triple = new("VersionTriple", rows => rows
        .Row("major", Int, "Major version.", t => t.Major, (t, v) => t.Major = v)
        .Row("minor", Int, "Minor version.", t => t.Minor, (t, v) => t.Minor = v)
        .Row("micro", Int, "Micro version.", t => t.Micro, (t, v) => t.Micro = v));

    Triple Qemu { get; set; } = new() { Major = 11, Minor = 1, Micro = 2 };
    string Package { get; set; } = "";

    public static QapiStruct<VersionInfo> Type { get; } = new("VersionInfo", rows => rows
        .Row("qemu", s_triple, "The QEMU release whose behaviour is followed.", v => v.Qemu, (v, t) => v.Qemu = t)
        .Row("package", Str, "hostmemd and its version.", v => v.Package, (v, p) => v.Package = p));

    /// <summary>The daemon's own version.</summary>
    public static string Own { get; } = typeof(VersionInfo).Assembly.GetName().Version?.ToString(3) ?? "0";

    public static VersionInfo Current { get; } = new() { Package = "hostmemd " + Own };

    /// <summary>As <c>info version</c> prints it: release and package without a blank between.</summary>
    public static string Human => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{Current.Qemu.Major}.{Current.Qemu.Minor}.{Current.Qemu.Micro}{Current.Package}");

    /// <summary>The first line that every client receives.</summary>
    public static Value Greeting { get; } = Value.Object(("QMP", Value.Object(
        ("version", Type.Write(Current)),
        ("capabilities", Value.From([Value.From("oob")])))));
}
