using System.Text;
using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <summary>One run of a command: its arguments and its output.</summary>
sealed class HmpCall(uint owner, Waiter waiter)
{
    /// <summary>The user whose quota new objects count against.</summary>
    public uint Owner => owner;

    /// <summary>The command of QMP that waits for this one.</summary>
    public Waiter Waiter => waiter;

    readonly Dictionary<string, string> _arguments = new(StringComparer.Ordinal);
    readonly StringBuilder _output = new();

    public void Give(string argument, string value = "") => _arguments[argument] = value;

    public bool Has(string argument) => _arguments.ContainsKey(argument);

    /// <summary>An argument that may have been left out.</summary>
    public string? Find(string argument) => _arguments.GetValueOrDefault(argument);

    /// <summary>An argument that the table requires.</summary>
    public string this[string argument] => _arguments[argument];

    /// <summary>Lines end with LF here.</summary>
    public void Print(string text) => _output.Append(text);

    /// <summary>The whole output. QEMU sends each LF as CR LF, also one inside a name.</summary>
    public string Output => _output.Replace("\n", "\r\n").ToString();
}
