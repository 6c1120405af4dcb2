namespace HostMemd.Ctl.Completion;

/// <summary>Finds the word that the user may have meant.</summary>
static class Similar
{
    /// <summary>The nearest of the known words: at most a third of its letters differ. Null where none is near.</summary>
    public static string? To(string word, IEnumerable<string> known)
    {
        var nearest = known.Select(k => (Word: k, Distance: Distance(word, k))).OrderBy(k => k.Distance).FirstOrDefault();
        return nearest.Word is { } found && nearest.Distance <= Math.Max(1, found.Length / 3) ? found : null;
    }

    /// <summary>How many letters must be put in, taken out, replaced, or swapped with their neighbour.</summary>
    internal static int Distance(string from, string to)
    {
        var rows = new int[from.Length + 1, to.Length + 1];
        for (var i = 0; i <= from.Length; i++)
        {
            for (var j = 0; j <= to.Length; j++)
            {
                if (i == 0 || j == 0)
                {
                    rows[i, j] = i + j;
                    continue;
                }
                var replaced = rows[i - 1, j - 1] + (from[i - 1] == to[j - 1] ? 0 : 1);
                rows[i, j] = Math.Min(replaced, Math.Min(rows[i - 1, j], rows[i, j - 1]) + 1);
                if (i > 1 && j > 1 && from[i - 1] == to[j - 2] && from[i - 2] == to[j - 1])
                    rows[i, j] = Math.Min(rows[i, j], rows[i - 2, j - 2] + 1);
            }
        }
        return rows[from.Length, to.Length];
    }
}
