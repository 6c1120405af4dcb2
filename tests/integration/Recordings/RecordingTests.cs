using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Corpus;

/// <summary>One daemon for all sessions of a file, on a machine of one CPU as the recordings were.</summary>
public sealed class CorpusDaemon : IDisposable
{
    internal DaemonProcess Process { get; } = DaemonProcess.Start("--smp", "1");

    public void Dispose() => Process.Dispose();
}

/// <summary>Sessions recorded from QEMU 11.1.2, replayed: once compared as JSON, once to the byte.</summary>
public abstract class CorpusTests(string file, CorpusDaemon daemon, ITestOutputHelper output) : IClassFixture<CorpusDaemon>
{
    private protected void Check(string name, bool strict)
    {
        var seen = daemon.Process.Log.Length;
        try
        {
            Replay.Run(daemon.Process.SocketPath, CorpusCase.Find(file, name), strict, CorpusDifferences.Of(name));
        }
        finally
        {
            output.WriteLine(daemon.Process.Log[seen..]);
        }
    }

    private protected static TheoryData<string> Names(string file) => [.. CorpusCase.Names(file)];
}

public sealed class ProtocolCorpusTests(CorpusDaemon daemon, ITestOutputHelper output) : CorpusTests("protocol", daemon, output)
{
    public static TheoryData<string> Cases => Names("protocol");

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu(string name) => Check(name, strict: false);

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu_ToTheByte(string name) => Check(name, strict: true);
}

public sealed class ObjectsCorpusTests(CorpusDaemon daemon, ITestOutputHelper output) : CorpusTests("objects", daemon, output)
{
    public static TheoryData<string> Cases => Names("objects");

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu(string name) => Check(name, strict: false);

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu_ToTheByte(string name) => Check(name, strict: true);
}

public sealed class QomCorpusTests(CorpusDaemon daemon, ITestOutputHelper output) : CorpusTests("qom", daemon, output)
{
    public static TheoryData<string> Cases => Names("qom");

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu(string name) => Check(name, strict: false);

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu_ToTheByte(string name) => Check(name, strict: true);
}

public sealed class HmpCorpusTests(CorpusDaemon daemon, ITestOutputHelper output) : CorpusTests("hmp", daemon, output)
{
    public static TheoryData<string> Cases => Names("hmp");

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu(string name) => Check(name, strict: false);

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu_ToTheByte(string name) => Check(name, strict: true);
}

public class CorpusDifferencesTests
{
    [Fact]
    public void Differences_AreOfCasesThatAreTaggedSo()
    {
        foreach (var name in CorpusDifferences.All.Keys)
        {
            var session = CorpusCase.Find("objects", name).In("/tmp");
            Assert.Contains("differs", session.GetProperty("tags").EnumerateArray().Select(t => t.GetString()));
        }
    }
}
