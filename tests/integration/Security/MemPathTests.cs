using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Security;

/// <summary>
/// <c>mem-path</c> confined to directories: nothing outside is opened, made or removed, even if the path changes meanwhile.
/// </summary>
public sealed class MemPathTests(ITestOutputHelper output) : SecurityTest(output)
{
    const ulong Size = 8192;

    string _inside = "", _outside = "";

    QmpClient Confined(string more = "")
    {
        var daemon = StartWith($$"""{ "Access": { "MemPaths": [ "@/in"{{more}} ] } }""");
        _inside = Directory.CreateDirectory(Path.Combine(daemon.Folder, "in")).FullName;
        _outside = Directory.CreateDirectory(Path.Combine(daemon.Folder, "out")).FullName;
        return Keep(daemon.Connect());
    }

    static System.Text.Json.Nodes.JsonObject At(string path, bool fails = false)
    {
        var more = new System.Text.Json.Nodes.JsonObject { ["size"] = Size, ["share"] = true, ["mem-path"] = path };
        if (fails)
            more["policy"] = "bind";
        return more;
    }

    [Fact]
    public void FileBelow_IsMade_ForItsOwnerOnly()
    {
        using var client = Confined();
        Directory.CreateDirectory(_inside + "/a/b");

        client.Add("memory-backend-file", "m", At(_inside + "/a/b/f"));
        client.Add("memory-backend-file", "n", At(_inside + "//a/../a/./g"));
        client.Add("memory-backend-file", "o", At(_inside));

        Assert.Equal("600", ProcMemory.Stat(_inside + "/a/b/f").Mode);
        Assert.Equal("600", ProcMemory.Stat(_inside + "/a/g").Mode);
        Assert.Equal(2, Directory.GetFiles(_inside, "*", SearchOption.AllDirectories).Length);
    }

    [Theory]
    [InlineData("@/out/f")]
    [InlineData("@/in2/f")]
    [InlineData("@")]
    [InlineData("relative")]
    [InlineData("")]
    public void PathElsewhere_IsRefusedByItsText(string path)
    {
        using var client = Confined();
        path = path.Replace("@", Path.GetDirectoryName(_inside), StringComparison.Ordinal);

        Assert.Equal($"mem-path '{path}' is not below a directory of MemPaths", client.AddRefused("memory-backend-file", "m", At(path)));
        Assert.Empty(Directory.GetFiles(_outside));
    }

    [Theory]
    [InlineData("/../out/f")]
    [InlineData("/../out/victim")]
    [InlineData("/link/f")]
    [InlineData("/link/victim")]
    [InlineData("/link")]
    [InlineData("/absolute/victim")]
    [InlineData("/file")]
    [InlineData("/dangling")]
    [InlineData("/proc/self/cwd/f")]
    public void PathThatLeadsOut_IsRefusedByTheKernel(string path)
    {
        using var client = Confined();
        File.WriteAllBytes(_outside + "/victim", new byte[Size]);
        File.CreateSymbolicLink(_inside + "/link", "../out");
        File.CreateSymbolicLink(_inside + "/absolute", _outside);
        File.CreateSymbolicLink(_inside + "/file", "../out/victim");
        File.CreateSymbolicLink(_inside + "/dangling", "../out/new");
        File.CreateSymbolicLink(_inside + "/proc", "/proc");

        var text = client.AddRefused("memory-backend-file", "m", At(_inside + path));

        Assert.StartsWith("can't open backing store", text, StringComparison.Ordinal);
        Assert.Equal([_outside + "/victim"], Directory.GetFiles(_outside));
    }

    [Fact]
    public void LinkWithin_IsFollowed()
    {
        using var client = Confined();
        Directory.CreateDirectory(_inside + "/a");
        File.CreateSymbolicLink(_inside + "/link", "a");

        client.Add("memory-backend-file", "m", At(_inside + "/link/f"));

        Assert.True(File.Exists(_inside + "/a/f"));
    }

    // The link exists and its target does not: opening fails with ENOENT, making with EEXIST, and a retry changes nothing.
    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void DanglingLink_IsRefusedAtOnce(bool confined)
    {
        using var client = confined ? Confined() : Keep(Daemon.Connect());
        var folder = confined ? _inside : Daemon.Folder;
        File.CreateSymbolicLink(folder + "/link", "nowhere");

        Assert.EndsWith("File exists", client.AddRefused("memory-backend-file", "m", At(folder + "/link")), StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(true, true)]
    [InlineData(true, false)]
    [InlineData(false, true)]
    public void Fifo_IsRefusedAtOnce(bool confined, bool readOnly)
    {
        using var client = confined ? Confined() : Keep(Daemon.Connect());
        var folder = confined ? _inside : Daemon.Folder;
        Harness.Program.Check("mkfifo", folder + "/fifo");

        var more = At(folder + "/fifo");
        more["readonly"] = readOnly;
        var text = client.AddRefused("memory-backend-file", "m", more);

        Assert.Contains("No such device", text, StringComparison.Ordinal);
    }

    [Fact]
    public void DirectoryOfTheListBehindALink_IsItsOwn()
    {
        using var client = Confined(", \"@/in/shared\"");
        File.CreateSymbolicLink(_inside + "/shared", "../out");

        client.Add("memory-backend-file", "m", At(_inside + "/shared/f"));

        Assert.True(File.Exists(_outside + "/f"));
    }

    /// <summary>A directory that alternates with a link out of the confinement.</summary>
    sealed class Swapper : IDisposable
    {
        readonly Thread _thread;
        volatile bool _ends;

        public Swapper(string directory, string target)
        {
            _thread = new Thread(() =>
            {
                while (!_ends)
                {
                    Directory.Move(directory, directory + ".real");
                    File.CreateSymbolicLink(directory, target);
                    File.Delete(directory);
                    Directory.Move(directory + ".real", directory);
                    Swaps++;
                }
            });
            _thread.Start();
        }

        public int Swaps { get; private set; }

        public void Dispose()
        {
            _ends = true;
            _thread.Join();
        }
    }

    [Fact]
    public void DirectorySwappedForALink_WhileFilesAreMadeAndRemoved_LeadsNowhere()
    {
        using var client = Confined();
        Directory.CreateDirectory(_inside + "/d");
        // Files outside, with the names that are made and removed inside. None may be opened, grown or unlinked.
        for (var i = 0; i < 50; i++)
            File.WriteAllText($"{_outside}/f{i}", "victim");

        int made = 0, refused = 0;
        using (var swapper = new Swapper(_inside + "/d", "../out"))
        {
            for (var i = 0; i < 400 || (swapper.Swaps < 100 && i < 20_000); i++)
            {
                // Every second one fails after its file was made. The daemon then removes the file.
                var reply = client.Execute("object-add", new()
                {
                    ["qom-type"] = "memory-backend-file",
                    ["id"] = "m",
                    ["size"] = Size,
                    ["share"] = true,
                    ["mem-path"] = $"{_inside}/d/f{i % 50}",
                    ["policy"] = i % 2 == 0 ? "bind" : "default",
                });
                if (reply.TryGetProperty("return", out _))
                {
                    made++;
                    client.Delete("m");
                }
                else
                    refused++;
            }
            Output.WriteLine($"{made} made, {refused} refused, {swapper.Swaps} swaps");
        }

        Assert.Equal(50, Directory.GetFiles(_outside).Length);
        Assert.All(Directory.GetFiles(_outside), f => Assert.Equal("victim", File.ReadAllText(f)));
        Assert.NotEqual(0, made);
    }
}
