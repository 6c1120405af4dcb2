using System.Diagnostics;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Rpc;

/// <summary>Other people's clients: npm's vscode-jsonrpc, plain Python, and the sessions of docs/jsonrpc.md.</summary>
[Collection(nameof(Harness.Machine))]
public sealed class PeerTests(ITestOutputHelper output) : RpcTest(output)
{
    static string Node(string script, string input, params string[] arguments) =>
        RunNode(Path.Combine(Repository.Root, "tests/integration/Rpc/node", script), input, arguments);

    static string RunNode(string script, string input, params string[] arguments)
    {
        var (status, text, errors) = Program.Run(input, "env", [$"NODE_PATH={NodePackages.Folder}", "node", script, .. arguments]);
        Assert.True(status == 0, text + errors);
        return text;
    }

    [FactIf(Need.NodePackages, Need.ThreeGiBFree)]
    public void VscodeJsonrpc_AsksCancelsAndFollowsProgress()
    {
        Serve();

        var lines = Node("client.cjs", "", RpcPath).Split('\n', StringSplitOptions.RemoveEmptyEntries);

        Assert.Equal(
        [
            "size 67108864", "none 1", "refused -32000 object 'x' not found GenericError", "unknown true", "progress 67108864 67108864",
            "cancelled -32800 1", "deleted 0", "statuses true", "many 50",
        ], lines);
    }

    [FactIf(Need.NodePackages)]
    public void Discover_ReturnsAnOpenRpcDocument_OfAllCommands()
    {
        var client = Client();
        var document = client.Ok("rpc.discover");

        var methods = Node("validate.cjs", document.GetRawText());

        var commands = client.Ok("query-commands").EnumerateArray().Select(c => c.GetProperty("name").GetString()).ToArray();
        Assert.Equal($"{commands.Length + 1}\n", methods);
        Assert.All(commands, name => Assert.Contains(document.GetProperty("methods").EnumerateArray(),
            m => m.GetProperty("name").GetString() == name));
    }

    [FactIf(Need.NodePackages)]
    public void FirstSession_InJavaScript_Works() => Assert.Equal(Session.Output("javascript"), RunSession("javascript", "session.cjs",
        file => RunNode(file, "", RpcPath)));

    [FactIf(Need.Python3)]
    public void FirstSession_InPython_Works() => Assert.Equal(Session.Output("python"), RunSession("python", "session.py",
        file => Program.Check("python3", file, RpcPath)));

    [Fact]
    public void FirstSession_InCSharp_Works() => Assert.Equal(Session.Output("csharp"), RunSession("csharp", "session.cs",
        file => Program.Check("dotnet", "run", file, RpcPath)));

    string RunSession(string language, string name, Func<string, string> run)
    {
        Serve();
        var file = Path.Combine(Folder, name);
        File.WriteAllText(file, Session.Program(language));
        return run(file);
    }

    [FactIf(Need.Python3)]
    public void Python_InBothFramings()
    {
        Serve();

        var text = Program.Check("python3", "-c", """
            import json, socket, sys
            def lines(s):
                f = s.makefile("rw", encoding="utf-8")
                def call(m):
                    f.write(json.dumps(m) + "\n"); f.flush()
                    return json.loads(f.readline())
                return call
            def headers(s):
                f = s.makefile("rwb")
                def call(m):
                    body = json.dumps(m).encode()
                    f.write(b"content-length: %d\r\nContent-Type: application/vscode-jsonrpc; charset=utf-8\r\n\r\n" % len(body) + body)
                    f.flush()
                    length = int(f.readline().split(b":")[1]); assert f.readline() == b"\r\n"
                    return json.loads(f.read(length))
                return call
            for kind in (lines, headers):
                s = socket.socket(socket.AF_UNIX); s.connect(sys.argv[1]); call = kind(s)
                print(call({"jsonrpc": "2.0", "id": "a", "method": "query-name"}))
                print([r["id"] for r in call([{"jsonrpc": "2.0", "id": i, "method": "query-name"} for i in range(3)])])
            """, RpcPath);

        Assert.Equal("""
            {'jsonrpc': '2.0', 'id': 'a', 'result': {}}
            [0, 1, 2]
            {'jsonrpc': '2.0', 'id': 'a', 'result': {}}
            [0, 1, 2]

            """, text);
    }
}

/// <summary>The first sessions of docs/jsonrpc.md: a program in a fence of its language, and what it prints in the fence behind.</summary>
static class Session
{
    static readonly string[] s_parts = File.ReadAllText(Path.Combine(Repository.Root, "docs/jsonrpc.md")).Split("\n```");

    static int At(string language) => Array.FindIndex(s_parts, p => p.StartsWith(language + "\n", StringComparison.Ordinal));

    public static string Program(string language) => s_parts[At(language)][(language.Length + 1)..] + "\n";

    public static string Output(string language) => s_parts[At(language) + 2][1..] + "\n";
}

/// <summary>What <c>node-packages.sh</c> installs.</summary>
static class NodePackages
{
    public static string Folder => Path.Combine(Repository.Root, "artifacts/node/node_modules");

    public static bool AreThere => Harness.Program.Find("node") is not null && Directory.Exists(Path.Combine(Folder, "vscode-jsonrpc"));
}
