using System.Collections.Concurrent;
using HostMemd.Linux;
using Xunit.Abstractions;

namespace HostMemd.Faulty;

/// <summary>
/// Every system call of every operation fails in turn, with every errno of its man page: the answer is clear, nothing is left behind, and
/// the
/// next try works.
/// </summary>
[Collection(nameof(HostMemd.Unit.Linux.FaultsTests))]
public sealed class InjectionTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-faults-").FullName;
    readonly ITestOutputHelper _output;
    readonly ConcurrentQueue<string> _bugs = new();
    readonly List<string> _wrong = [];
    int _tries;
    FaultyDaemon? _daemon;

    public InjectionTests(ITestOutputHelper output)
    {
        _output = output;
        UnexpectedFailures.Reported += _bugs.Enqueue;
    }

    public static TheoryData<string> Names => [.. Operation.All.Select(o => o.Name)];

    [Theory, MemberData(nameof(Names))]
    public void EveryCallThatFails_IsToldAndUndone(string name)
    {
        var operation = Operation.All.Single(o => o.Name == name);
        var calls = Calls(operation);
        _output.WriteLine($"{name}: {string.Join(' ', calls.Select(c => $"{c.Call}*{c.Count}"))}");

        foreach (var (call, nth, errno) in Sampling.Faults(calls))
            Try(operation, call, nth, errno);

        _output.WriteLine($"{_tries} tries");
        Assert.True(_wrong.Count == 0, $"{_wrong.Count} of {_tries}:\n{string.Join("\n", _wrong.Take(25))}");
    }

    string Request(string text) => text.Replace("@", _folder, StringComparison.Ordinal);

    // Which calls it makes when nothing fails. The first time through warms up what is asked only once.
    (string Call, int Count)[] Calls(Operation operation)
    {
        using var daemon = new FaultyDaemon(_folder, operation.IsConfined);
        for (var round = 0; round < 2; round++)
        {
            foreach (var before in operation.Before)
                daemon.Ok(Request(before));
            Faults.Seen = [];
            daemon.Ok(Request(operation.Request));
            if (round == 0)
                Clean(daemon);
        }
        var seen = Faults.Seen!;
        Faults.Seen = null;
        Clean(daemon);
        return Sampling.Of(seen);
    }

    void Clean(FaultyDaemon daemon)
    {
        daemon.DeleteAll();
        foreach (var file in Directory.EnumerateFiles(_folder))
            File.Delete(file);
    }

    void Try(Operation operation, string call, int nth, Errno errno)
    {
        _tries++;
        var what = $"{call} #{nth} {errno.Name}";
        var daemon = _daemon ??= new FaultyDaemon(_folder, operation.IsConfined);
        var clean = daemon.Held();
        foreach (var before in operation.Before)
            daemon.Ok(Request(before));
        var held = daemon.Held();

        Faults.Arm(call, nth, errno);
        var reply = daemon.Ask(Request(operation.Request));
        Faults.Clear();

        if (reply.TryGetProperty("error", out var error))
        {
            var text = error.GetProperty("desc").GetString()!;
            if (text.Length == 0 || text == "internal error" || text.Contains("Exception", StringComparison.Ordinal))
                _wrong.Add($"{what}: reported '{text}'");
            var after = Footprint.Settled(daemon.Held, held);
            if (after != held && !Errnos.IsRelease(call))
                _wrong.Add($"{what}: '{text}', held before:\n{held}\nand after:\n{after}");
            var again = daemon.Ask(Request(operation.Request));
            if (!again.TryGetProperty("return", out _) && !Errnos.IsRelease(call))
                _wrong.Add($"{what}: '{text}', and the next try: {again}");
        }
        while (daemon.Errors.TryDequeue(out var logged))
        {
            // The daemon's line for what _bugs has as well.
            if (!logged.StartsWith("unexpected failure: ", StringComparison.Ordinal))
                _wrong.Add($"{what}: logged {logged}");
        }
        if (Record.Exception(() => Clean(daemon)) is { } stuck)
        {
            _wrong.Add($"{what}: what there is cannot be deleted: {stuck.Message}");
            daemon.Dispose();
            _daemon = null;
            return;
        }
        var left = Footprint.Settled(daemon.Held, clean);
        if (left != clean && !Errnos.IsRelease(call))
            _wrong.Add($"{what}: before:\n{clean}\nleft behind:\n{left}");
        // No caller can handle a write lease that the kernel does not take back: it is reported, as what cannot be released.
        if (!_bugs.IsEmpty && !Errnos.IsRelease(call) && call != "fcntl")
            _wrong.Add($"{what}: {string.Join('\n', _bugs)}");
        _bugs.Clear();
        Footprint.RemoveSharedMemory();
    }

    public void Dispose()
    {
        Faults.Clear();
        _daemon?.Dispose();
        UnexpectedFailures.Reported -= _bugs.Enqueue;
        Directory.Delete(_folder, recursive: true);
    }
}
