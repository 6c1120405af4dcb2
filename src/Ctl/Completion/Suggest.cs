using System.Globalization;
using HostMemd.Ctl.Line;

namespace HostMemd.Ctl.Completion;

/// <summary><c>hostmemctl "[suggest:POSITION]" "LINE"</c>: what the completion of a shell calls. A word a line, a tab and its meaning
/// behind it.</summary>
static class Suggest
{
    /// <param name="directive">With the place of the cursor in the line; its end if there is none.</param>
    /// <param name="line">As the user has typed it so far, from the program's name on.</param>
    /// <param name="output">Takes the words.</param>
    public static async Task RunAsync(string directive, string line, TextWriter output)
    {
        var position = directive.Trim('[', ']').Split(':') is [_, var digits]
            && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var at) ? Math.Min(at, line.Length) : line.Length;
        var typed = line[..position];
        var words = Parser.Split(typed);
        var isOpen = typed.Length > 0 && !char.IsWhiteSpace(typed[^1]) && words.Count > 0;
        var completer = new Completer([.. words.Skip(1).Take(words.Count - 1 - (isOpen ? 1 : 0))]);
        foreach (var suggestion in await completer.SuggestAsync(isOpen ? words[^1] : "").ConfigureAwait(false))
            output.Write(suggestion.Detail.Length == 0 ? suggestion.Word + "\n" : $"{suggestion.Word}\t{suggestion.Detail}\n");
    }
}
