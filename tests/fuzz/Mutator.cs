using System.Globalization;
using System.Text;

namespace HostMemd.Fuzz;

/// <summary>One message on its way in.</summary>
/// <param name="IsWhole">It is one JSON object with the id in it: it must be answered, once, with that id.</param>
readonly record struct Input(byte[] Bytes, bool IsWhole);

/// <summary>
/// Makes messages out of recorded ones: most by the grammar, so that they get past the reader, some byte by byte, so that they do
/// not. All by one seed.
/// </summary>
/// <param name="seeds">What it starts from.</param>
/// <param name="random">The seed.</param>
/// <param name="slow">How many in a thousand are to make the daemon work, not only answer.</param>
sealed class Mutator(Seeds seeds, Random random, int slow)
{
    static readonly string[] s_numbers =
    [
        "0", "-0", "-1", "1", "4095", "4096", "4097", "65536", "2147483647", "2147483648", "4294967295", "4294967296",
        "9223372036854775807", "9223372036854775808", "-9223372036854775808", "18446744073709551615", "18446744073709551616", "1e3", "1E400",
        "-1e400", "0.5", "1e-400", "01", "1.", "0x10", "+1", "1e", "--1",
    ];

    static readonly string[] s_values =
    [
        "null", "true", "false", "{}", "[]", "[[]]", "{\"a\":1}", "[0,1,2]", "\"\"", "\"\\u0000\"", "\"\\ud83d\\ude00\"", "\"\\ud800\"",
        "\"a\\/b\"", "\"\\q\"", "\"/objects\"", "\"/\"", "\"..\"", "\"\\\\\"", "\"%s%n\"", "%d", "nul", "tru", "inf", "nan",
    ];

    public Random Random => random;

    /// <summary>The next message.</summary>
    /// <param name="id">What it is to be answered with.</param>
    public Input Next(string id)
    {
        List<Token> tokens = [.. Pick(random.Next(1000) < slow ? seeds.Slow : seeds.Quick)];
        var kind = random.Next(100);
        if (kind < 25)
            return Whole(tokens, id);
        for (var n = random.Next(1, 4); n > 0 && tokens.Count > 0; n--)
        {
            if (kind < 75)
                ChangeValue(tokens);
            else
                ChangeShape(tokens);
        }
        if (kind < 85)
            return Whole(tokens, id);
        var bytes = Whole(tokens, id).Bytes;
        for (var n = random.Next(1, 6); n > 0 && bytes.Length > 0; n--)
            bytes = ChangeBytes(bytes);
        // Most often the reader is brought back to its senses, or nothing behind this would be read as it is meant.
        return new(random.Next(4) == 0 ? bytes : [.. bytes, (byte)'\n', 1, (byte)'\n'], false);
    }

    T Pick<T>(T[] from) => from[random.Next(from.Length)];

    // With our id as the envelope's last member, which is the one that counts.
    Input Whole(List<Token> tokens, string id)
    {
        if (tokens.Count < 2 || tokens[0].Text != "{" || tokens[^1].Text != "}" || !IsSound(tokens))
            return new([.. Token.Join(tokens), (byte)'\n', 1, (byte)'\n'], false);
        DropIds(tokens);
        var text = new StringBuilder();
        foreach (var token in tokens[..^1])
            text.Append(token.Text).Append(random.Next(40) == 0 ? " " : "");
        text.Append(tokens.Count > 2 ? "," : "").Append(CultureInfo.InvariantCulture, $"\"id\":\"{id}\"}}\n");
        return new(Encoding.Latin1.GetBytes(text.ToString()), true);
    }

    /// <summary>
    /// By System.Text.Json's judgement, which is stricter than QEMU's, so some that are sound pass for broken; but a member twice is refused
    /// by QEMU, and without the id.
    /// </summary>
    static bool IsSound(List<Token> tokens)
    {
        var reader = new System.Text.Json.Utf8JsonReader(Token.Join(tokens), new System.Text.Json.JsonReaderOptions { MaxDepth = 1000 });
        try
        {
            var names = new Stack<HashSet<string>>();
            while (reader.Read())
            {
                if (reader.TokenType == System.Text.Json.JsonTokenType.StartObject)
                    names.Push([]);
                else if (reader.TokenType == System.Text.Json.JsonTokenType.EndObject)
                    names.Pop();
                else if (reader.TokenType == System.Text.Json.JsonTokenType.PropertyName && !names.Peek().Add(Text(ref reader)))
                    return false;
                else if (reader.TokenType == System.Text.Json.JsonTokenType.String)
                    Text(ref reader);
            }
            return true;
        }
        catch (Exception broken) when (broken is System.Text.Json.JsonException or InvalidOperationException)
        {
            return false;
        }
    }

    // Noncharacters are invalid to QEMU, wherever they are.
    static string Text(ref System.Text.Json.Utf8JsonReader reader)
    {
        var text = reader.GetString()!;
        foreach (var rune in text.EnumerateRunes())
        {
            if ((rune.Value & 0xFFFE) == 0xFFFE || rune.Value is >= 0xFDD0 and <= 0xFDEF)
                throw new InvalidOperationException("a noncharacter");
        }
        return text;
    }

    static void DropIds(List<Token> tokens)
    {
        var depth = 0;
        for (var i = 0; i < tokens.Count; i++)
        {
            depth += tokens[i].Text is "{" or "[" ? 1 : tokens[i].Text is "}" or "]" ? -1 : 0;
            if (depth != 1 || tokens[i].Text != "\"id\"" || i + 1 >= tokens.Count || tokens[i + 1].Text != ":")
                continue;
            var end = i + 2;
            for (var inner = 0; end < tokens.Count; end++)
            {
                if (inner == 0 && tokens[end].Text is "," or "}")
                    break;
                inner += tokens[end].Text is "{" or "[" ? 1 : tokens[end].Text is "}" or "]" ? -1 : 0;
            }
            // With the comma behind it, or the one before it.
            if (end < tokens.Count && tokens[end].Text == ",")
                end++;
            else if (i > 0 && tokens[i - 1].Text == ",")
                i--;
            tokens.RemoveRange(i, end - i);
            i--;
        }
    }

    void ChangeValue(List<Token> tokens)
    {
        var at = random.Next(tokens.Count);
        for (var tries = 0; tries < 20 && !tokens[at].IsScalar; tries++)
            at = random.Next(tokens.Count);
        if (!tokens[at].IsScalar)
            return;
        var isName = at + 1 < tokens.Count && tokens[at + 1].Text == ":";
        tokens[at] = new(isName || random.Next(3) > 0 && tokens[at].IsString ? ChangeText(tokens[at].Text)
            : random.Next(4) switch { 0 => Pick(s_numbers), 1 => Pick(seeds.Numbers), 2 => Pick(s_values), _ => Pick(seeds.Words) });
    }

    string ChangeText(string text)
    {
        var inner = text.Length >= 2 ? text[1..^1] : "";
        return random.Next(8) switch
        {
            0 => "\"\"",
            1 when inner.Length > 0 => $"\"{inner[..random.Next(inner.Length)].TrimEnd('\\')}\"",
            2 => $"\"{inner}{inner}\"",
            3 => $"\"{inner}\\u{random.Next(0x10000):x4}\"",
            4 => $"\"{inner}{(char)random.Next(0x20, 0x7f)}\"",
            5 when random.Next(50) == 0 => $"\"{new string('x', random.Next(20_000))}\"",
            _ => Pick(seeds.Words),
        };
    }

    void ChangeShape(List<Token> tokens)
    {
        var at = random.Next(tokens.Count);
        switch (random.Next(7))
        {
            case 0:
                tokens.RemoveAt(at);
                break;
            case 1:
                tokens.Insert(at, tokens[random.Next(tokens.Count)]);
                break;
            case 2:
                var with = random.Next(tokens.Count);
                (tokens[at], tokens[with]) = (tokens[with], tokens[at]);
                break;
            case 3:
                // A member more, known or not, twice or not.
                tokens.InsertRange(Math.Max(1, tokens.Count - 1),
                    [new(","), new(Pick(seeds.Words)), new(":"), new(random.Next(2) == 0 ? Pick(seeds.Words) : Pick(s_numbers))]);
                break;
            case 4:
                var depth = random.Next(50) == 0 ? random.Next(2000) : random.Next(4);
                tokens[at] = new(new string('[', depth) + (tokens[at].IsScalar ? tokens[at].Text : "") + new string(']', depth) + (depth == 0 ? "1" : ""));
                break;
            case 5:
                var length = random.Next(1, Math.Min(8, tokens.Count - at) + 1);
                tokens.InsertRange(at, tokens.GetRange(at, length));
                break;
            default:
                tokens.RemoveRange(at, random.Next(1, Math.Min(6, tokens.Count - at) + 1));
                break;
        }
    }

    byte[] ChangeBytes(byte[] bytes)
    {
        var at = random.Next(bytes.Length);
        switch (random.Next(6))
        {
            case 0:
                bytes[at] ^= (byte)(1 << random.Next(8));
                return bytes;
            case 1:
                bytes[at] = Pick<byte>([0, 1, 0x1f, 0x7f, 0x80, 0xc0, 0xc3, 0xed, 0xf4, 0xfe, 0xff, (byte)'"', (byte)'\\', (byte)'{', (byte)']', (byte)'\'']);
                return bytes;
            case 2:
                return bytes[..at];
            case 3:
                return [.. bytes[..at], (byte)random.Next(256), .. bytes[at..]];
            case 4:
                return [.. bytes[..at], .. bytes[Math.Min(bytes.Length, at + random.Next(16))..]];
            default:
                var raw = new byte[random.Next(32)];
                random.NextBytes(raw);
                return [.. bytes[..at], .. raw, .. bytes[at..]];
        }
    }
}
