using System.Globalization;
using System.Text;

namespace HostMemd.Config;

/// <summary>Writes the text of <c>--help</c> from the tables.</summary>
static class HelpText
{
    public static string Write()
    {
        var text = new StringBuilder("Usage: hostmemd [OPTION]...\nOwns guest memory and speaks QMP about it.\n\n");
        foreach (var row in OptionTable.All)
        {
            text.Append(CultureInfo.InvariantCulture, $"  {row.Synopsis}\n");
            foreach (var line in row.Help)
                text.Append(CultureInfo.InvariantCulture, $"        {line}\n");
        }
        text.Append("\nLimits in the configuration file, with their defaults (0: no limit):\n");
        foreach (var row in LimitTable.All)
            text.Append(CultureInfo.InvariantCulture, $"  {row.Name + "=" + row.DefaultText,-22} {row.Doc}\n");
        return text.Append("\nReport and manual: see README.md. Without --qmp, --monitor or a passed socket the daemon serves\n")
            .Append("$RUNTIME_DIRECTORY/qmp.sock, /run/hostmemd/qmp.sock (root) or $XDG_RUNTIME_DIR/hostmemd/qmp.sock.\n").ToString();
    }
}
