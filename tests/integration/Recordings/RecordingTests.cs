using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Recordings;

/// <summary>One daemon for all sessions of a file, on a machine of one CPU as the recordings were.</summary>
public sealed class RecordingDaemon : IDisposable
{
    internal DaemonProcess Process { get; } = DaemonProcess.Start("--smp", "1");

    public void Dispose() => Process.Dispose();
}

/// <summary>Sessions recorded from QEMU 11.1.2, replayed: once compared as JSON, once to the byte.</summary>
public abstract class RecordingTests(string file, RecordingDaemon daemon, ITestOutputHelper output) : IClassFixture<RecordingDaemon>
{
    private protected void Check(string name, bool strict)
    {
        var seen = daemon.Process.Log.Length;
        try
        {
            Replay.Run(daemon.Process.SocketPath, RecordedSession.Find(file, name), strict, RecordedDifferences.Of(name));
        }
        finally
        {
            output.WriteLine(daemon.Process.Log[seen..]);
        }
    }

    private protected static TheoryData<string> Names(string file) => [.. RecordedSession.Names(file)];
}

public sealed class ProtocolRecordingTests(RecordingDaemon daemon, ITestOutputHelper output) : RecordingTests("protocol", daemon, output)
{
    public static TheoryData<string> Cases => Names("protocol");

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu(string name) => Check(name, strict: false);

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu_ToTheByte(string name) => Check(name, strict: true);
}

public sealed class ObjectsRecordingTests(RecordingDaemon daemon, ITestOutputHelper output) : RecordingTests("objects", daemon, output)
{
    public static TheoryData<string> Cases => Names("objects");

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu(string name) => Check(name, strict: false);

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu_ToTheByte(string name) => Check(name, strict: true);
}

public sealed class QomRecordingTests(RecordingDaemon daemon, ITestOutputHelper output) : RecordingTests("qom", daemon, output)
{
    public static TheoryData<string> Cases => Names("qom");

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu(string name) => Check(name, strict: false);

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu_ToTheByte(string name) => Check(name, strict: true);
}

public sealed class HmpRecordingTests(RecordingDaemon daemon, ITestOutputHelper output) : RecordingTests("hmp", daemon, output)
{
    public static TheoryData<string> Cases => Names("hmp");

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu(string name) => Check(name, strict: false);

    [Theory, MemberData(nameof(Cases))]
    public void Session_IsAnsweredAsByQemu_ToTheByte(string name) => Check(name, strict: true);
}

public class RecordedDifferencesTests
{
    [Fact]
    public void Differences_AreOfCasesThatAreTaggedSo()
    {
        foreach (var name in RecordedDifferences.All.Keys)
        {
            var session = RecordedSession.Find("objects", name).In("/tmp");
            Assert.Contains("differs", session.GetProperty("tags").EnumerateArray().Select(t => t.GetString()));
        }
    }
}
