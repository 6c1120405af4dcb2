using System.Text;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Sockets;

/// <summary>After any garbage, a byte that cannot be part of anything and a good command: the good answer.</summary>
public sealed class ResynchronizationTests(ITestOutputHelper output) : DaemonTest(output)
{
    const string Good = "\u0001\n{\"execute\":\"query-memdev\",\"id\":\"good\"}\n";

    static readonly string[] s_pieces =
    [
        "{", "}", "[", "]", ",", ":", "\"", "'", "\\", "\n", "\r", "\t", "\0", "\u0001", "\u001B", "\u007F", "\u00FF", "\u00FE", "\u00C0\u0080",
        "true", "false", "null", "nul", "TRUE", "0", "01", "-", "-0", "1e5", "1e400", "0.5", "1.", "18446744073709551616", "%d", "@",
        "\"execute\"", "\"query-memdev\"", "\"id\"", "\"\\ud800\"", "\"\\u12", "{\"execute\":\"query-memdev\"}", "{\"execute\":1}",
        "{\"a\":1,\"a\":2}", "{\"execute\":\"nope\",\"arguments\":[]}", "\u00EF\u00BB\u00BF",
    ];

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void GoodCommand_AfterGarbageAndAResynchronizingByte_GetsItsAnswer(int seed)
    {
        var random = new Random(seed);
        using var client = Daemon.Connect();
        for (var round = 0; round < 300; round++)
        {
            var garbage = new StringBuilder();
            for (var i = random.Next(1, 30); i > 0; i--)
                garbage.Append(random.Next(4) == 0 ? ((char)random.Next(256)).ToString() : s_pieces[random.Next(s_pieces.Length)]);
            var bytes = Encoding.Latin1.GetBytes(garbage + Good);

            client.Send(bytes);

            string line;
            do
                line = client.Line();
            while (!line.EndsWith("\"id\": \"good\"}", StringComparison.Ordinal));
            Assert.Equal("{\"return\": [], \"id\": \"good\"}", line);
        }
    }

    [Theory]
    [InlineData("{", 2000)]
    [InlineData("[", 2000)]
    [InlineData("{\"a\":", 2000)]
    [InlineData("[{\"a\":", 100_000)]
    public void GoodCommand_AfterNestingTooDeep_GetsItsAnswer(string piece, int count)
    {
        using var client = Daemon.Connect();

        client.Send(string.Concat(Enumerable.Repeat(piece, count)) + Good);

        string line, first = client.Line();
        for (line = first; !line.EndsWith("\"id\": \"good\"}", StringComparison.Ordinal); line = client.Line())
        {
        }
        Assert.Contains("error", first, StringComparison.Ordinal);
        Assert.Equal("{\"return\": [], \"id\": \"good\"}", line);
    }
}
