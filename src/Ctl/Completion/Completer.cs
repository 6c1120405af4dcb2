using System.Globalization;
using System.Net.Sockets;
using HostMemd.Client;
using HostMemd.Ctl.Line;
using HostMemd.Ctl.Reach;
using HostMemd.Ctl.Verbs;
using HostMemd.Qapi;

namespace HostMemd.Ctl.Completion;

/// <summary>What could stand at the end of an unfinished line.</summary>
sealed class Completer
{
    /// <summary>The milliseconds that the daemon has to answer.</summary>
    public const string PatienceVariable = "HOSTMEMCTL_PATIENCE";

    // A user who waits longer for a completion thinks that the terminal hangs.
    public const int Patience = 500;

    readonly Dictionary<OptionRow, string> _values = [];
    readonly VerbRow? _verb;
    readonly OptionRow? _open;
    readonly bool _isBehind;
    readonly List<string> _words = [];

    /// <param name="finished">The words before the one that is being typed, without the program's name.</param>
    public Completer(IReadOnlyList<string> finished)
    {
        foreach (var word in finished)
        {
            if (_open is { } option)
            {
                _values[option] = word;
                _open = null;
            }
            else if (_isBehind)
                _words.Add(word);
            else if (word == "--")
                _isBehind = true;
            else if (word.StartsWith('-') && word.Length > 1)
                _open = TakesNext(word);
            else if (_verb is null)
                _verb = VerbTable.All.FirstOrDefault(v => v.IsCalled(word)) ?? VerbTable.Unknown;
            else
                _words.Add(word);
        }
    }

    /// <summary>The verb's words that are complete.</summary>
    public IReadOnlyList<string> Words => _words;

    /// <summary>The word that is being typed.</summary>
    public string Word { get; private set; } = "";

    IEnumerable<OptionRow> Options => GlobalOptions.All.Concat(_verb?.Options ?? []);

    // "--socket=x" and "-sx" have their value, "-s x" takes the next word.
    OptionRow? TakesNext(string word)
    {
        var name = word.Split('=', 2);
        var row = Options.LastOrDefault(o => o.Long == name[0] || (o.Short is { } letter
            && word.StartsWith(letter, StringComparison.Ordinal) && word[1] != '-'));
        if (row?.Value is null || row.IsValueOptional)
            return null;
        var isJoined = word.StartsWith("--", StringComparison.Ordinal) ? name.Length > 1 : word.Length > 2;
        if (!isJoined)
            return row;
        _values[row] = word.StartsWith("--", StringComparison.Ordinal) ? name[1] : word[2..];
        return null;
    }

    /// <summary>The words that begin as <paramref name="word"/> does.</summary>
    public async Task<IReadOnlyList<Suggestion>> SuggestAsync(string word)
    {
        Word = word;
        var all = await AllAsync(word).ConfigureAwait(false);
        return [.. all.Where(s => s.Word.StartsWith(word, StringComparison.Ordinal) && s.Word.Length > 0)];
    }

    async Task<IReadOnlyList<Suggestion>> AllAsync(string word)
    {
        if (_open is { } option)
            return await From(option.Values).ConfigureAwait(false);
        if (!_isBehind && word.StartsWith('-'))
            return [.. Options.SelectMany(o => ((string?[])[o.Long, o.Short]).OfType<string>().Select(name =>
                new Suggestion(name, o.Help)))];
        if (_verb is null)
            return [.. VerbTable.Shown.Select(v => new Suggestion(v.Name, v.Help))];
        // What comes behind "--" is another program's line; the shell completes it.
        if (Operand() is not { } operand || operand.IsBehind)
            return [];
        var offered = await From(operand.Values).ConfigureAwait(false);
        return [.. offered.Where(s => !_words.Contains(s.Word))];
    }

    OperandRow? Operand() => _words.Count < _verb!.Operands.Count ? _verb.Operands[_words.Count]
        : _verb.Operands is [.., { IsMany: true } last] ? last : null;

    Task<IReadOnlyList<Suggestion>> From(Source? source) => (source ?? Sources.Nothing)(this);

    static int PatienceOf(string? text) =>
        int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var milliseconds) ? milliseconds : Patience;

    /// <summary>Asks the daemon that the line names. Nothing if it does not answer soon.</summary>
    public async Task<IReadOnlyList<Suggestion>> AskAsync(Func<HostMemdClient, CancellationToken, Task<IEnumerable<Suggestion>>> ask)
    {
        // Another host takes longer than a user waits.
        if (_values.ContainsKey(GlobalOptions.Host))
            return [];
        using var patience = new CancellationTokenSource(PatienceOf(Environment.GetEnvironmentVariable(PatienceVariable)));
        try
        {
            using var client = await new Daemon(_values.GetValueOrDefault(GlobalOptions.Socket), null)
                .ConnectAsync(cancellation: patience.Token).ConfigureAwait(false);
            return [.. await ask(client, patience.Token).ConfigureAwait(false)];
        }
        catch (Exception failure) when (failure
            is CtlException or QmpException or IOException or SocketException or OperationCanceledException)
        {
            return [];
        }
    }
}
