using System.Buffers.Text;
using System.Numerics;

namespace HostMemd.Linux;

/// <summary>Sets of CPUs and nodes in the kernel's two forms: bit masks of 64-bit words, and lists as <c>0-3,8</c>: cpuset(7).</summary>
public static class BitList
{
    // No machine has as many; a list that claims more must not make us allocate.
    const int Limit = 65536;

    /// <summary>Reads a list such as <c>0-3,8</c>; ends quietly at the first thing that is not one.</summary>
    /// <param name="text">The list, with or without a final newline.</param>
    /// <returns>The numbers in the order of the list.</returns>
    public static int[] Parse(ReadOnlySpan<byte> text)
    {
        List<int> numbers = [];
        while (Utf8Parser.TryParse(text, out uint first, out var used) && first < Limit)
        {
            text = text[used..];
            var last = first;
            if (text.Length > 0 && text[0] == '-')
            {
                if (!Utf8Parser.TryParse(text[1..], out last, out used) || last >= Limit)
                    break;
                text = text[(used + 1)..];
            }
            for (var n = first; n <= last; n++)
                numbers.Add((int)n);
            if (text.Length == 0 || text[0] != ',')
                break;
            text = text[1..];
        }
        return [.. numbers];
    }

    /// <summary>Writes ascending numbers as such a list: what the kernel's <c>%*pbl</c> makes of the mask.</summary>
    /// <param name="numbers">Ascending, each once.</param>
    public static string Text(IReadOnlyList<int> numbers)
    {
        List<string> ranges = [];
        for (var i = 0; i < numbers.Count; i++)
        {
            var first = i;
            while (i + 1 < numbers.Count && numbers[i + 1] == numbers[i] + 1)
                i++;
            ranges.Add(first == i ? $"{numbers[i]}" : $"{numbers[first]}-{numbers[i]}");
        }
        return string.Join(',', ranges);
    }

    /// <summary>The numbers of the bits that are set, ascending.</summary>
    /// <param name="mask">Bit n of the whole is bit n % 64 of word n / 64.</param>
    public static int[] FromMask(ReadOnlySpan<ulong> mask)
    {
        List<int> numbers = [];
        for (var i = 0; i < mask.Length; i++)
        {
            for (var word = mask[i]; word != 0; word &= word - 1)
                numbers.Add(i * 64 + BitOperations.TrailingZeroCount(word));
        }
        return [.. numbers];
    }
}
