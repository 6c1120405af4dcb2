using System.Globalization;
using System.Runtime.InteropServices;

namespace HostMemd.Linux;

/// <summary>
/// The result of a system call: 0 is success, anything else an errno(3). Numbers are those of the generic Linux ABI,
/// which x86-64 and arm64 share.
/// </summary>
/// <param name="Number">The kernel's number, never negative.</param>
public readonly partial record struct Errno(int Number)
{
#pragma warning disable CS1591 // errno(3) describes each
    public static readonly Errno EPERM = new(1);
    public static readonly Errno ENOENT = new(2);
    public static readonly Errno ESRCH = new(3);
    public static readonly Errno EINTR = new(4);
    public static readonly Errno EIO = new(5);
    public static readonly Errno ENXIO = new(6);
    public static readonly Errno E2BIG = new(7);
    public static readonly Errno EBADF = new(9);
    public static readonly Errno ECHILD = new(10);
    public static readonly Errno EAGAIN = new(11);
    public static readonly Errno ENOMEM = new(12);
    public static readonly Errno EACCES = new(13);
    public static readonly Errno EFAULT = new(14);
    public static readonly Errno EBUSY = new(16);
    public static readonly Errno EEXIST = new(17);
    public static readonly Errno EXDEV = new(18);
    public static readonly Errno ENODEV = new(19);
    public static readonly Errno ENOTDIR = new(20);
    public static readonly Errno EISDIR = new(21);
    public static readonly Errno EINVAL = new(22);
    public static readonly Errno ENFILE = new(23);
    public static readonly Errno EMFILE = new(24);
    public static readonly Errno ENOTTY = new(25);
    public static readonly Errno ETXTBSY = new(26);
    public static readonly Errno EFBIG = new(27);
    public static readonly Errno ENOSPC = new(28);
    public static readonly Errno ESPIPE = new(29);
    public static readonly Errno EROFS = new(30);
    public static readonly Errno EPIPE = new(32);
    public static readonly Errno ERANGE = new(34);
    public static readonly Errno EDEADLK = new(35);
    public static readonly Errno ENAMETOOLONG = new(36);
    public static readonly Errno ENOSYS = new(38);
    public static readonly Errno ELOOP = new(40);
    public static readonly Errno ENODATA = new(61);
    public static readonly Errno EPROTO = new(71);
    public static readonly Errno EOVERFLOW = new(75);
    public static readonly Errno EOPNOTSUPP = new(95);
    public static readonly Errno EMSGSIZE = new(90);
    public static readonly Errno ENOPROTOOPT = new(92);
    public static readonly Errno EADDRINUSE = new(98);
    public static readonly Errno ECONNABORTED = new(103);
    public static readonly Errno ECONNRESET = new(104);
    public static readonly Errno ENOBUFS = new(105);
    public static readonly Errno ENOTCONN = new(107);
    public static readonly Errno ETOOMANYREFS = new(109);
    public static readonly Errno ETIMEDOUT = new(110);
    public static readonly Errno ECONNREFUSED = new(111);
    public static readonly Errno ECANCELED = new(125);
    public static readonly Errno EHWPOISON = new(133);
#pragma warning restore CS1591

    /// <summary>Success.</summary>
    public static readonly Errno None;

    static readonly string[] s_names =
    [
        "", "EPERM", "ENOENT", "ESRCH", "EINTR", "EIO", "ENXIO", "E2BIG", "ENOEXEC", "EBADF", "ECHILD", "EAGAIN", "ENOMEM",
        "EACCES", "EFAULT", "ENOTBLK", "EBUSY", "EEXIST", "EXDEV", "ENODEV", "ENOTDIR", "EISDIR", "EINVAL", "ENFILE",
        "EMFILE", "ENOTTY", "ETXTBSY", "EFBIG", "ENOSPC", "ESPIPE", "EROFS", "EMLINK", "EPIPE", "EDOM", "ERANGE", "EDEADLK",
        "ENAMETOOLONG", "ENOLCK", "ENOSYS", "ENOTEMPTY", "ELOOP", "", "ENOMSG", "EIDRM", "ECHRNG", "EL2NSYNC", "EL3HLT",
        "EL3RST", "ELNRNG", "EUNATCH", "ENOCSI", "EL2HLT", "EBADE", "EBADR", "EXFULL", "ENOANO", "EBADRQC", "EBADSLT", "",
        "EBFONT", "ENOSTR", "ENODATA", "ETIME", "ENOSR", "ENONET", "ENOPKG", "EREMOTE", "ENOLINK", "EADV", "ESRMNT", "ECOMM",
        "EPROTO", "EMULTIHOP", "EDOTDOT", "EBADMSG", "EOVERFLOW", "ENOTUNIQ", "EBADFD", "EREMCHG", "ELIBACC", "ELIBBAD",
        "ELIBSCN", "ELIBMAX", "ELIBEXEC", "EILSEQ", "ERESTART", "ESTRPIPE", "EUSERS", "ENOTSOCK", "EDESTADDRREQ", "EMSGSIZE",
        "EPROTOTYPE", "ENOPROTOOPT", "EPROTONOSUPPORT", "ESOCKTNOSUPPORT", "EOPNOTSUPP", "EPFNOSUPPORT", "EAFNOSUPPORT",
        "EADDRINUSE", "EADDRNOTAVAIL", "ENETDOWN", "ENETUNREACH", "ENETRESET", "ECONNABORTED", "ECONNRESET", "ENOBUFS",
        "EISCONN", "ENOTCONN", "ESHUTDOWN", "ETOOMANYREFS", "ETIMEDOUT", "ECONNREFUSED", "EHOSTDOWN", "EHOSTUNREACH",
        "EALREADY", "EINPROGRESS", "ESTALE", "EUCLEAN", "ENOTNAM", "ENAVAIL", "EISNAM", "EREMOTEIO", "EDQUOT", "ENOMEDIUM",
        "EMEDIUMTYPE", "ECANCELED", "ENOKEY", "EKEYEXPIRED", "EKEYREVOKED", "EKEYREJECTED", "EOWNERDEAD", "ENOTRECOVERABLE",
        "ERFKILL", "EHWPOISON",
    ];

    /// <summary>The call succeeded.</summary>
    public bool Ok => Number == 0;

    /// <summary>The call failed.</summary>
    public bool Failed => Number != 0;

    /// <summary>The name, as <c>ENOMEM</c>; <c>E999</c> for a number without one; empty for success.</summary>
    public string Name => Number == 0 ? ""
        : Number > 0 && Number < s_names.Length && s_names[Number] != "" ? s_names[Number]
        : "E" + Number.ToString(CultureInfo.InvariantCulture);

    /// <summary>glibc's English sentence, as <c>Cannot allocate memory</c>: strerrordesc_np(3).</summary>
    public string Text => Describe(Number);

    /// <summary>The errno of this thread's last failed wrapper call. Only to be read after a failure return: errno(3).</summary>
    internal static Errno Last => new(Marshal.GetLastPInvokeError());

    /// <summary>For callers whose contract is exceptions: <c>accept4: Too many open files</c>.</summary>
    /// <param name="call">The call that failed.</param>
    public IOException AsException(string call) => new($"{call}: {Text}");

    /// <summary><c>ENOMEM (Cannot allocate memory)</c>.</summary>
    public override string ToString() => Ok ? "success" : $"{Name} ({Text})";

    // Not strerror(3): the runtime calls setlocale, and a client must read the same text whatever the daemon's locale is.
    static unsafe string Describe(int number)
    {
        try
        {
            if (Marshal.PtrToStringUTF8((nint)strerrordesc_np(number)) is { } text)
                return text;
        }
        catch (EntryPointNotFoundException)
        {
            // glibc before 2.32 or another libc: the text may then be translated.
            return Marshal.GetPInvokeErrorMessage(number);
        }
        return "Unknown error " + number.ToString(CultureInfo.InvariantCulture); // strerror(3), RETURN VALUE
    }

    [LibraryImport(Libc.Name)]
    private static unsafe partial byte* strerrordesc_np(int number);
}
