using System.Globalization;
using System.Text;

namespace HostMemd.Qapi;

/// <summary>A limit in force, as the parts that keep to it and their errors have it.</summary>
/// <param name="Name">Its name in the configuration, or the kernel's.</param>
/// <param name="Most">How much there may be, in the limit's own unit; 0: as much as there is.</param>
public readonly record struct Limit(string Name, ulong Most)
{
    /// <summary>Whether one more would be too many.</summary>
    public bool IsReachedBy(long used) => Most > 0 && (ulong)used >= Most;

    /// <summary>Whether this is too much already.</summary>
    public bool IsPassedBy(long used) => Most > 0 && (ulong)used > Most;

    /// <summary>Whether <paramref name="more"/> fits beside what is used.</summary>
    public bool HasRoomFor(ulong more, ulong used) => Most == 0 || more <= Most - Math.Min(Most, used);

    /// <summary>The clause of a refusal: <c>limit Objects of 2 is reached</c>.</summary>
    public string Reached => string.Create(CultureInfo.InvariantCulture, $"limit {Name} of {Most} is reached");

    /// <summary>The name as words of the wire are written: <c>request-bytes</c>.</summary>
    internal string WireName
    {
        get
        {
            var name = new StringBuilder();
            foreach (var c in Name)
                name.Append(char.IsUpper(c) && name.Length > 0 ? "-" : "").Append(char.ToLowerInvariant(c));
            return name.ToString();
        }
    }
}
