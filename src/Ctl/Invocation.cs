using System.Globalization;
using HostMemd.Client;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Reach;
using HostMemd.Ctl.Screen;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Ctl;

/// <summary>How results are printed.</summary>
enum OutputForm { Table, Wide, Json, Id }

/// <summary>One verb under way: what the user said, where to print, and the way to the daemon.</summary>
sealed class Invocation
{
    readonly ParsedLine _line;

    public Invocation(ParsedLine line, Terminal terminal)
    {
        _line = line;
        Terminal = terminal;
        Form = Value(GlobalOptions.Output) switch
        {
            null => Has(GlobalOptions.Quiet) ? OutputForm.Id : OutputForm.Table,
            "table" => OutputForm.Table,
            "wide" => OutputForm.Wide,
            "json" => OutputForm.Json,
            "id" => OutputForm.Id,
            var other => throw Mistake.Unknown("form", other, ["table", "wide", "json", "id"], "table, wide, json and id are"),
        };
        Daemon = new(Value(GlobalOptions.Socket), Value(GlobalOptions.Host));
    }

    public Terminal Terminal { get; }

    public TextWriter Out => Terminal.Out;

    public Daemon Daemon { get; }

    public OutputForm Form { get; }

    public bool IsQuiet => Has(GlobalOptions.Quiet);

    public bool HasLegend => !Has(GlobalOptions.NoLegend);

    /// <summary>Words behind <c>--</c>.</summary>
    public int Behind => _line.Behind;

    public bool Has(OptionRow option) => _line.Values.ContainsKey(option);

    public string? Value(OptionRow option) => _line.Values.GetValueOrDefault(option);

    public IReadOnlyList<string> Words(OperandRow operand) => _line.Of(operand);

    public string Word(OperandRow operand) => Words(operand)[0];

    public Task<HostMemdClient> ConnectAsync(bool outOfBand = false) => Daemon.ConnectAsync(outOfBand);

    /// <summary>Bytes as the user wants them.</summary>
    public string Size(ulong bytes) => Has(GlobalOptions.Bytes) ? bytes.ToString(CultureInfo.InvariantCulture) : Sizes.Text(bytes);

    /// <summary>Prints a value as JSON: one line, or many on a terminal.</summary>
    public void Json(Value value)
    {
        var bytes = new System.Buffers.ArrayBufferWriter<byte>();
        JsonWriter.Write(bytes, value, pretty: Terminal.IsTerminal);
        var text = System.Text.Encoding.UTF8.GetString(bytes.WrittenSpan);
        // QEMU ends the lines of the pretty form with CR LF.
        Out.Write((Terminal.IsTerminal ? text.ReplaceLineEndings("\n") : text) + "\n");
    }

    /// <summary>Prints a line that only says that all went well.</summary>
    public void Say(string text)
    {
        if (!IsQuiet)
            Out.Write(text + "\n");
    }

    /// <summary>Prints an error without ending: the verb goes on with its other objects.</summary>
    public void Complain(string text)
    {
        Out.Flush();
        Terminal.Error.Write($"hostmemctl: {TextTable.Plain(text)}\n");
    }

    /// <summary>Prints a list in the form that the user wants; not for JSON.</summary>
    /// <returns>The columns that a narrow terminal has no room for.</returns>
    public IReadOnlyList<string> List<T>(IReadOnlyList<Column<T>> columns, IReadOnlyList<T> rows, Func<T, string> id)
    {
        if (Form == OutputForm.Id)
        {
            foreach (var row in rows)
                Out.Write(TextTable.Plain(id(row)) + "\n");
            return [];
        }
        return TextTable.Write(Terminal, [.. columns.Where(c => !c.IsWide || Form == OutputForm.Wide)], rows, HasLegend);
    }

    /// <summary>A number from an option.</summary>
    /// <exception cref="CtlException">It is none, or not in that range.</exception>
    public uint? Number(OptionRow option, uint least, uint most)
    {
        if (Value(option) is not { } text)
            return null;
        return uint.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number >= least && number <= most
            ? number : throw CtlException.Usage($"option '{option.Long}' takes a number from {least} to {most}, not '{text}'");
    }

    /// <summary>Asks before something that cannot be undone.</summary>
    /// <exception cref="CtlException">The user said no, or cannot be asked and gave no <paramref name="yes"/>.</exception>
    public void Confirm(OptionRow yes, string question)
    {
        if (Has(yes))
            return;
        if (!Terminal.CanAsk)
            throw CtlException.Refused($"{question} Nothing was done: there is no terminal to ask on; option '{yes.Long}' answers");
        Out.Flush();
        Terminal.Error.Write($"{question} [y/N] ");
        if (Console.In.ReadLine()?.Trim() is not ("y" or "Y" or "yes"))
            throw CtlException.Refused("nothing was done");
    }
}
