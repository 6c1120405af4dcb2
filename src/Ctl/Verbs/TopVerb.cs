using System.Globalization;
using System.Text;
using HostMemd.Client;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Verbs;

/// <summary>The memory that changes most, again and again.</summary>
static class TopVerb
{
    const string Enter = "\e[?1049h\e[?25l";
    const string Leave = "\e[?25h\e[?1049l";
    static readonly TimeSpan s_glance = TimeSpan.FromMilliseconds(50);

    static readonly OptionRow s_delay = new("delay", 'd', "SECONDS", "The time between two looks; 1 if not given.");
    static readonly OptionRow s_times = new("iterations", 'n', "N", "End after so many looks.");
    static readonly OptionRow s_batch = new("batch", 'b', null,
        "Print one list after the other and take no keys; so where the output is no terminal.");

    public static readonly VerbRow Row = new("top", "Watch memory change.", RunAsync)
    {
        Options = [s_delay, s_times, s_batch],
        Details = ["Keys: q ends it; i, z, r and c sort by id, size, resident and change.", "Here -b is --batch; --bytes has no letter."],
    };

    sealed record Entry(MemdevStats Stats, double Change);

    static readonly (char Key, string Name, Func<Entry, object> By)[] s_orders =
    [
        ('c', "CHANGE", e => Math.Abs(e.Change)), ('r', "RESIDENT", e => e.Stats.Resident), ('z', "SIZE", e => e.Stats.Size),
        ('i', "ID", e => e.Stats.Id),
    ];

    static async Task<int> RunAsync(Invocation call)
    {
        var delay = Seconds(call);
        var times = call.Number(s_times, 1, int.MaxValue) ?? uint.MaxValue;
        using var client = await call.ConnectAsync().ConfigureAwait(false);
        if (call.Form == OutputForm.Json)
            throw CtlException.Usage("top: '-o json' has no list to print again; 'hostmemctl stats -o json' has");
        var isLive = call.Terminal.IsTerminal && !call.Has(s_batch);
        using var interrupt = new Interrupt();
        if (!isLive)
            return await LoopAsync(call, client, interrupt, delay, times, keys: false, (entries, _) => WriteBatch(call, entries))
                .ConfigureAwait(false);
        call.Out.Write(Enter);
        try
        {
            return await LoopAsync(call, client, interrupt, delay, times, keys: !Console.IsInputRedirected,
                (entries, order) => Draw(call, entries, order)).ConfigureAwait(false);
        }
        finally
        {
            call.Out.Write(Leave);
            await call.Out.FlushAsync().ConfigureAwait(false);
        }
    }

    static TimeSpan Seconds(Invocation call)
    {
        if (call.Value(s_delay) is not { } text)
            return TimeSpan.FromSeconds(1);
        return double.TryParse(text, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var seconds)
            && seconds is >= 0.1 and <= 86400
            ? TimeSpan.FromSeconds(seconds) : throw CtlException.Usage($"option '--delay' takes seconds from 0.1 to 86400, not '{text}'");
    }

    static async Task<int> LoopAsync(Invocation call, HostMemdClient client, Interrupt interrupt, TimeSpan delay, uint times, bool keys,
        Action<IReadOnlyList<Entry>, int> show)
    {
        var before = new Dictionary<string, ulong>(StringComparer.Ordinal);
        var since = System.Diagnostics.Stopwatch.StartNew();
        var order = 0;
        for (uint done = 0; ;)
        {
            var stats = await client.QueryStatsAsync().ConfigureAwait(false);
            var seconds = since.Elapsed.TotalSeconds;
            since.Restart();
            Entry[] entries = [.. stats.Select(s => new Entry(s, before.TryGetValue(s.Id, out var old)
                ? ((double)s.Resident - old) / seconds : 0))];
            before = stats.ToDictionary(s => s.Id, s => s.Resident);
            show(entries, order);
            await call.Out.FlushAsync().ConfigureAwait(false);
            if (++done >= times)
                return ExitStatus.Done;
            if (await WaitAsync(interrupt, delay, keys, key => order = Array.FindIndex(s_orders, o => o.Key == key) is >= 0 and var at
                ? at : order,
                () => Redraw(entries)).ConfigureAwait(false))
                return ExitStatus.Done;
        }

        void Redraw(IReadOnlyList<Entry> entries)
        {
            show(entries, order);
            call.Out.Flush();
        }
    }

    // A key and another size of the window take effect at once.
    static async Task<bool> WaitAsync(Interrupt interrupt, TimeSpan delay, bool keys, Action<char> press, Action redraw)
    {
        var waited = System.Diagnostics.Stopwatch.StartNew();
        var size = keys ? WindowSize() : default;
        while (waited.Elapsed < delay && !interrupt.IsRequested)
        {
            var rest = delay - waited.Elapsed;
            await interrupt.DelayAsync(keys && rest > s_glance ? s_glance : rest > TimeSpan.Zero ? rest : TimeSpan.Zero)
                .ConfigureAwait(false);
            var isChanged = false;
            while (keys && Console.KeyAvailable)
            {
                var key = char.ToLowerInvariant(Console.ReadKey(intercept: true).KeyChar);
                if (key == 'q')
                    return true;
                press(key);
                isChanged = true;
            }
            if (keys && WindowSize() is var now && now != size)
                (size, isChanged) = (now, true);
            if (isChanged)
                redraw();
        }
        return interrupt.IsRequested;
    }

    static (int, int) WindowSize() => (Console.WindowWidth, Console.WindowHeight);

    static void WriteBatch(Invocation call, IReadOnlyList<Entry> entries)
    {
        TextTable.Write(call.Terminal, Columns(call), Sorted(entries, 0), call.HasLegend);
        call.Out.Write("\n");
    }

    static IReadOnlyList<Entry> Sorted(IEnumerable<Entry> entries, int order) => s_orders[order].Key == 'i'
        ? [.. entries.OrderBy(e => e.Stats.Id, StringComparer.Ordinal)]
        : [.. entries.OrderByDescending(s_orders[order].By).ThenBy(e => e.Stats.Id, StringComparer.Ordinal)];

    static IReadOnlyList<Column<Entry>> Columns(Invocation call) =>
    [
        new("ID", e => e.Stats.Id),
        new("SIZE", e => call.Size(e.Stats.Size)) { IsNumber = true, Dispensable = 1 },
        new("RESIDENT", e => call.Size(e.Stats.Resident)) { IsNumber = true },
        new("CHANGE", e => Math.Abs(e.Change) < 1 ? "-" : $"{(e.Change < 0 ? '-' : '+')}{call.Size((ulong)Math.Abs(e.Change))}/s")
        { IsNumber = true },
        new("SWAPPED", e => call.Size(e.Stats.Swapped)) { IsNumber = true, Dispensable = 2 },
        new("HELD", e => e.Stats.Mappings.ToString(CultureInfo.InvariantCulture)) { IsNumber = true, Dispensable = 3 },
    ];

    static void Draw(Invocation call, IReadOnlyList<Entry> entries, int order)
    {
        var (width, height) = WindowSize();
        var text = new StringWriter(CultureInfo.InvariantCulture);
        var total = entries.Aggregate((Size: 0UL, Resident: 0UL), (sum, e) => (sum.Size + e.Stats.Size, sum.Resident + e.Stats.Resident));
        text.Write(string.Create(CultureInfo.InvariantCulture,
            $"{DateTime.Now:HH:mm:ss}  {Sizes.Count(entries.Count, "object")}, {call.Size(total.Size)} in all, "
                + $"{call.Size(total.Resident)} resident; by {s_orders[order].Name} (c r z i), q ends\n\n"));
        // Three lines are above the first object.
        var rows = Sorted(entries, order).Take(Math.Max(1, height - 4)).ToArray();
        TextTable.Write(new Terminal { Out = text, Error = text, HasColors = call.Terminal.HasColors, Width = () => width },
            Columns(call), rows, legend: true);
        var frame = new StringBuilder("\e[H");
        var lines = text.ToString().TrimEnd('\n').Split('\n').Take(height).ToArray();
        for (var i = 0; i < lines.Length; i++)
            frame.Append(Cut(lines[i], width)).Append("\e[K").Append(i + 1 < lines.Length ? "\r\n" : "");
        call.Out.Write(frame.Append("\e[J").ToString());
    }

    // A heading in bold has escapes, which take no room.
    static string Cut(string line, int width) => line.Length <= width || line.Contains('\e', StringComparison.Ordinal) ? line
        : line[..width];
}
