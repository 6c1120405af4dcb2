using System.Text;

namespace HostMemd.Hmp;

/// <summary>One command being run: what it was given, and where it prints to.</summary>
sealed class HmpCall(uint owner)
{
    /// <summary>The user on whose account goes what is made.</summary>
    public uint Owner => owner;

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

    /// <summary>All that was printed. QEMU: each LF goes out as CR LF, also one inside of a name.</summary>
    public string Output => _output.Replace("\n", "\r\n").ToString();
}
