using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace HostMemd.Fuzz;

/// <summary>A rule that did not hold.</summary>
sealed class RuleBrokenException(string what) : Exception(what);

/// <summary>
/// What comes back to one client, held against the rules: lines of JSON in ASCII that end in CR LF, every id one that this client sent, each at
/// most once, in the order sent unless it asked for the out-of-band lane.
/// </summary>
sealed class Replies
{
    // Every client's mark in its ids; whoever sees another's has got another's reply.
    static readonly ConcurrentDictionary<string, byte> s_marks = new();

    static readonly JsonReaderOptions s_deep = new() { MaxDepth = 1200 };

    readonly string _mark;
    readonly Dictionary<long, byte[]> _open = [];
    readonly List<byte> _line = [];
    long _last;

    public Replies(Random random)
    {
        _mark = string.Create(CultureInfo.InvariantCulture, $"N{random.NextInt64():x16}-");
        s_marks[_mark] = 0;
    }

    public long Lines { get; private set; }

    /// <summary>The ids of whole messages that are not answered yet.</summary>
    public int Open => _open.Count;

    public bool IsOpen(long number) => _open.ContainsKey(number);

    /// <summary>The order is not looked at: the client has enabled <c>oob</c>.</summary>
    public bool IsUnordered { get; set; }

    /// <summary>
    /// Among what is sent is what is broken: what follows may be lost in it, and what has an id need not be the message it was made for.
    /// </summary>
    public bool MayMiss { get; set; }

    public string Id(long number) => string.Create(CultureInfo.InvariantCulture, $"{_mark}{number}");

    public void Expect(long number, byte[] text) => _open[number] = text;

    public void Add(ReadOnlySpan<byte> bytes)
    {
        while (bytes.IndexOf((byte)'\n') is >= 0 and var end)
        {
            if (_line.Count == 0)
                Check(bytes[..(end + 1)]);
            else
            {
                _line.AddRange(bytes[..(end + 1)]);
                Check(System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_line));
                _line.Clear();
            }
            bytes = bytes[(end + 1)..];
        }
        _line.AddRange(bytes);
    }

    void Check(ReadOnlySpan<byte> line)
    {
        Lines++;
        if (line.Length < 2 || line[^2] != '\r')
            throw Broken("a line does not end in CR LF", line);
        line = line[..^2];
        if (line.ContainsAnyExceptInRange((byte)0x20, (byte)0x7e))
            throw Broken("a line is not plain ASCII", line);
        CheckJson(line);
        CheckIds(line);
    }

    static void CheckJson(ReadOnlySpan<byte> line)
    {
        try
        {
            Read(line);
        }
        catch (JsonException)
        {
            // QEMU prints inf for a number that is too large, and so do we.
            var plain = Encoding.ASCII.GetString(line);
            if (!plain.Contains("inf", StringComparison.Ordinal) && !plain.Contains("nan", StringComparison.Ordinal))
                throw Broken("a line is not JSON", line);
            var without = Token.Cut(Encoding.ASCII.GetBytes(plain)).Select(t => t.Text is "inf" or "-inf" or "nan" or "-nan" ? new Token("0") : t).ToList();
            try
            {
                Read(Token.Join(without));
            }
            catch (JsonException)
            {
                throw Broken("a line is not JSON", line);
            }
        }

        static void Read(ReadOnlySpan<byte> line)
        {
            var reader = new Utf8JsonReader(line, s_deep);
            while (reader.Read())
            {
            }
        }
    }

    void CheckIds(ReadOnlySpan<byte> line)
    {
        var own = Encoding.ASCII.GetBytes(_mark).AsSpan();
        for (var rest = line; rest.IndexOf((byte)'N') is >= 0 and var at; rest = rest[(at + 1)..])
        {
            var mark = rest[at..];
            if (mark.Length <= own.Length || mark[own.Length - 1] != '-')
                continue;
            if (!mark[..own.Length].SequenceEqual(own))
            {
                if (s_marks.ContainsKey(Encoding.ASCII.GetString(mark[..own.Length])))
                    throw Broken("another client's id in a reply to " + _mark, line);
                continue;
            }
            // An id that came back as the id: it is followed by the quote that ends it.
            if (!System.Buffers.Text.Utf8Parser.TryParse(mark[own.Length..], out long number, out var digits)
                || mark.Length <= own.Length + digits || mark[own.Length + digits] != '"' || at == 0 || rest[at - 1] != '"')
                continue;
            if (_open.Remove(number))
            {
                if (!IsUnordered && !MayMiss && number < _last)
                    throw Broken($"the reply to {number} comes behind that to {_last}", line);
                _last = number;
            }
        }
    }

    /// <summary>All that was whole has been answered.</summary>
    public void CheckComplete()
    {
        if (_open.Count > 0 && !MayMiss)
        {
            var first = _open.MinBy(o => o.Key);
            throw new RuleBrokenException($"no reply to {_open.Count} messages, the first of them {Encoding.Latin1.GetString(first.Value)}");
        }
        _open.Clear();
    }

    /// <summary>This client is gone: its ids must not be seen anywhere any more, so its mark stays known.</summary>
    public static void Forget(int keep)
    {
        if (s_marks.Count > keep)
            s_marks.Clear();
    }

    static RuleBrokenException Broken(string what, ReadOnlySpan<byte> line) =>
        new($"{what}: {Encoding.Latin1.GetString(line[..Math.Min(line.Length, 2000)])}");
}
