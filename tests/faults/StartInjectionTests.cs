using System.Text;
using HostMemd.Config;
using HostMemd.Linux;
using HostMemd.Logging;
using HostMemd.Protocol.Wire;
using HostMemd.Start;
using HostMemd.Systemd;
using HostMemd.Takeover;
using HostMemd.Unit.Linux;
using Microsoft.Win32.SafeHandles;
using Xunit.Abstractions;

namespace HostMemd.Faulty;

/// <summary>
/// Every system call of each step of a start fails in turn: the step reports it in one line, leaves nothing, and works at the next try.
/// </summary>
[Collection(nameof(FaultsTests))]
public sealed class StartInjectionTests(ITestOutputHelper output) : IDisposable
{
    static readonly AccessOptions s_owned = new() { SocketOwner = Accounts.EffectiveUid };

    static readonly Dictionary<string, Action<StartInjectionTests, OwnedFiles>> s_steps = new()
    {
        ["socket"] = (test, owned) => QmpSocket.Listen(test.At("qmp.sock"), s_owned, owned).Dispose(),
        ["abstract socket"] = (test, owned) =>
            QmpSocket.Listen(SocketText.ReadAddress($"unix:{test.At("name")},abstract=on"), s_owned, owned).Dispose(),
        ["stale socket"] = (test, owned) =>
        {
            // Its listener is gone, its file is not.
            test.Unarmed(() => QmpSocket.Listen(test.At("qmp.sock"), s_owned, new()).Dispose());
            QmpSocket.Listen(test.At("qmp.sock"), s_owned, owned).Dispose();
        },
        ["passed socket"] = (test, owned) =>
        {
            int[] passed = [];
            test.Unarmed(() =>
            {
                using var listener = QmpSocket.Listen(test.At("qmp.sock"), s_owned, owned);
                using var handle = new SafeFileHandle(listener.SafeHandle.DangerousGetHandle(), ownsHandle: false);
                Assert.Equal(Errno.None, Files.DuplicateForChild(handle, 200, out var given));
                passed = [(int)given!.DangerousGetHandle()];
                given.SetHandleAsInvalid();
            });
            foreach (var (_, socket) in SocketActivation.Take(passed, ["qmp"]).Sockets)
            {
                using (socket)
                    _ = UnixAddress.Of(socket);
            }
        },
        ["directory"] = (test, owned) => owned.MakeDirectory(test.At("made"), 0x1C0),
        ["pid file"] = (test, owned) => PidFile.Create(test.At("pid"), owned).Dispose(),
        ["log file"] = (test, _) =>
        {
            using var log = new DaemonLog(new LogOptions { File = test.At("log") });
        },
        ["pair"] = (_, _) =>
        {
            var (ours, theirs) = SocketPair.Create();
            ours.Dispose();
            theirs.Dispose();
        },
    };

    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-faults-").FullName;
    readonly List<string> _wrong = [];
    (string Call, int Nth, Errno Errno)? _armed;

    public static TheoryData<string> Names => new(s_steps.Keys);

    string At(string name) => Path.Combine(_folder, name);

    [Theory, MemberData(nameof(Names))]
    public void EveryCallOfAStartThatFails_IsReportedAndUndone(string name)
    {
        Try(name);
        Clear();
        // The runtime's own descriptors, for its streams, came with the first try.
        _wrong.Clear();
        Faults.Seen = [];
        Try(name);
        var calls = Sampling.Of(Faults.Seen!);
        Faults.Seen = null;
        Clear();
        Assert.NotEmpty(calls);
        var tries = 0;

        foreach (var fault in Sampling.Faults(calls))
        {
            tries++;
            var what = $"{name}: {fault.Call} #{fault.Nth} {fault.Errno.Name}";
            _armed = fault;
            var reported = Try(name);
            _armed = null;
            if (reported is { } line && (line.Length == 0 || line.Contains('\n', StringComparison.Ordinal)))
                _wrong.Add($"{what}: reported '{line}'");
            var left = Clear();
            // A pid file that cannot be locked or looked at may be another process's; a stale socket was there before.
            if (left.Length > 0 && !(name == "pid file" && fault.Call is "fcntl" or "statx") && name is not ("stale socket" or "log file"))
                _wrong.Add($"{what}: left {string.Join(' ', left)}");
            if (Try(name) is { } again)
                _wrong.Add($"{what}: and the next try: {again}");
            Clear();
        }

        output.WriteLine($"{name}: {tries} tries, {string.Join(' ', calls.Select(c => $"{c.Call}*{c.Count}"))}");
        Assert.True(_wrong.Count == 0, string.Join('\n', _wrong));
    }

    [Theory]
    [InlineData("pipe2")]
    [InlineData("fcntl")]
    [InlineData("posix_spawn")]
    public void Daemonize_ThatCannotStartItsProcess_SaysSoInOneLine(string call)
    {
        foreach (var errno in Errnos.Of(call)!)
        {
            Faults.Arm(call, 1, errno);
            var before = Descriptors();

            var refusal = Assert.Throws<StartException>(Daemonizer.Start);

            Faults.Clear();
            Assert.EndsWith(errno.Text, refusal.Message, StringComparison.Ordinal);
            Assert.DoesNotContain('\n', refusal.Message);
            Assert.Equal(before, Descriptors());
        }
    }

    [Theory]
    [InlineData("epoll_create1", 1)]
    [InlineData("epoll_create1", 2)]
    [InlineData("epoll_ctl", 1)]
    public void ThreadThatWaitsForClients_WithoutItsDescriptors_IsAnErrorAndLeavesNone(string call, int nth)
    {
        foreach (var errno in Errnos.Of(call)!)
        {
            Faults.Arm(call, nth, errno);
            var before = Descriptors();

            var failure = Assert.Throws<IOException>(Poller.Start);

            Faults.Clear();
            Assert.Equal($"{call}: {errno.Text}", failure.Message);
            Assert.Equal(before, Descriptors());
        }
    }

    [Theory]
    [InlineData("getpwnam_r", "AdminUids", "root")]
    [InlineData("getgrnam_r", "AdminGids", "root")]
    public void AccountsThatCannotBeLookedUp_AreNotTakenForUnknown(string call, string setting, string name)
    {
        foreach (var errno in Errnos.Of(call)!)
        {
            Faults.Arm(call, 1, errno);

            var file = Encoding.UTF8.GetBytes($$$"""{"Access":{"{{{setting}}}":["{{{name}}}"]}}""");
            var refusal = Assert.Throws<StartException>(() => ConfigFile.Parse("file", file));

            Faults.Clear();
            Assert.Equal($"file: Access.{setting} has '{name}', which cannot be looked up: {errno.Text}", refusal.Message);
        }
    }

    // What a start makes: the runtime opens and closes files of its own at any time.
    int Descriptors() => Directory.GetFileSystemEntries("/proc/self/fd").Select(f => new FileInfo(f).LinkTarget ?? "").Count(link =>
        link.StartsWith("socket:", StringComparison.Ordinal) || link.StartsWith("pipe:", StringComparison.Ordinal)
        || link.StartsWith(_folder, StringComparison.Ordinal) || link.Contains("[eventpoll]", StringComparison.Ordinal));

    // Null: it worked.
    string? Try(string name)
    {
        var owned = new OwnedFiles();
        var before = Descriptors();
        string? reported = null;
        Arm();
        try
        {
            s_steps[name](this, owned);
        }
        catch (StartException refusal)
        {
            reported = refusal.Message;
        }
        Faults.Clear();
        owned.Remove(directories: true);
        var after = Descriptors();
        if (after != before)
            _wrong.Add($"{name}: {_armed}: {before} descriptors before, {after} after");
        return reported;
    }

    void Arm()
    {
        if (_armed is { } fault)
            Faults.Arm(fault.Call, fault.Nth, fault.Errno);
    }

    // What comes before the step itself.
    void Unarmed(Action preparation)
    {
        var seen = Faults.Seen;
        Faults.Seen = null;
        Faults.Clear();
        preparation();
        Faults.Seen = seen;
        Arm();
    }

    string[] Clear()
    {
        var left = Directory.GetFileSystemEntries(_folder);
        foreach (var path in left)
        {
            if (Directory.Exists(path))
                Directory.Delete(path);
            else
                File.Delete(path);
        }
        return left;
    }

    public void Dispose()
    {
        Faults.Clear();
        Faults.Seen = null;
        Directory.Delete(_folder, recursive: true);
    }
}
