using System.Globalization;

namespace HostMemd.Backend.Regions;

/// <summary>Bytes for people: <c>4 KiB</c>, <c>2 MiB</c>.</summary>
static class ByteText
{
    static readonly string[] s_units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB"];

    /// <summary>Three significant digits at most, as QEMU's size_to_str.</summary>
    public static string Of(ulong bytes)
    {
        var unit = 0;
        double number = bytes;
        while (number >= 1000 && unit < s_units.Length - 1)
        {
            number /= 1024;
            unit++;
        }
        return number.ToString("G3", CultureInfo.InvariantCulture) + " " + s_units[unit];
    }
}
