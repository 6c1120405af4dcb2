using System.Text;
using HostMemd.Backend.Qom;

namespace HostMemd.Help;

/// <summary>The texts of <c>object_add help</c> and <c>-object TYPE,help</c>, made from the classes. Lines end with LF.</summary>
static class ObjectHelp
{
    // QEMU: descriptions begin in one column, unless name and type are longer.
    const int Column = 24;

    public static string Types(QomTypes types)
    {
        var text = new StringBuilder("List of user creatable objects:\n");
        foreach (var name in types.Creatable.Select(c => c.Name).Order(StringComparer.Ordinal))
            text.Append("  ").Append(name).Append('\n');
        return text.ToString();
    }

    /// <summary>The properties of a class that can be set. The class may be abstract.</summary>
    public static string Properties(QomClass type)
    {
        // QEMU sorts whole lines, so "prealloc-threads=" comes before "prealloc=".
        var lines = type.All.Where(p => p.IsWritable).Select(Line).Order(StringComparer.Ordinal).ToArray();
        return lines.Length == 0
            ? $"There are no options for {type.Name}.\n"
            : $"{type.Name} options:\n{string.Concat(lines)}";
    }

    static string Line(QomProperty property)
    {
        var option = $"  {property.Name}=<{property.QomType}>";
        return property.Doc is null ? option + "\n" : $"{option.PadRight(Column)} - {property.Doc}\n";
    }
}
