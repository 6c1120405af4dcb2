using System.Text.Json.Nodes;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Memory;

/// <summary>Files made, kept and removed (backends.md § 5.4, contract § 5).</summary>
public sealed class FileTests(ITestOutputHelper output) : DaemonTest(output)
{
    const long MiB = 1 << 20;

    ProcMemory Memory => new(Daemon.Pid);

    JsonObject On(string path, long size = MiB) => new() { ["size"] = size, ["mem-path"] = path };

    [Fact]
    public void ObjectAdd_MakesTheFile_WhichStaysAfterObjectDel()
    {
        using var client = Daemon.Connect();
        var path = InFolder("mem");

        client.Add("memory-backend-file", "m", On(path));
        var made = ProcMemory.Stat(path);
        client.Delete("m");

        Assert.Equal((MiB, 0L, "644"), made);
        Assert.Equal(MiB, ProcMemory.Stat(path).Length);
    }

    [Fact]
    public void ObjectAdd_InADirectory_LeavesNoFile()
    {
        using var client = Daemon.Connect();
        var folder = Directory.CreateDirectory(InFolder("files")).FullName;

        client.Add("memory-backend-file", "m", On(folder));

        Assert.Empty(Directory.GetFileSystemEntries(folder));
        var file = Memory.Single(folder);
        Assert.StartsWith(folder + "/qemu_back_mem.m.", file.Target, StringComparison.Ordinal);
        Assert.EndsWith("(deleted)", file.Target, StringComparison.Ordinal);
        Assert.Equal("600", ProcMemory.Stat(file.Path).Mode);
    }

    [Fact]
    public void ObjectAdd_InADirectory_WithTheCanonicalName_HasUnderscoresForSlashes()
    {
        using var client = Daemon.Connect();
        var folder = Directory.CreateDirectory(InFolder("files")).FullName;
        var arguments = On(folder);
        arguments["x-use-canonical-path-for-ramblock-id"] = true;

        client.Add("memory-backend-file", "m", arguments);

        Assert.StartsWith(folder + "/qemu_back_mem._objects_m.", Memory.Single(folder).Target, StringComparison.Ordinal);
    }

    public static TheoryData<string, string> Failing => new()
    {
        { """{"size": 5000}""", "backend 'memory-backend-file' memory size must be multiple of 4 KiB" },
        { """{"policy": "bind"}""", "host-nodes must be set for policy bind" },
        { """{"policy": "bind", "host-nodes": [127]}""", "cannot bind memory to host NUMA nodes: Invalid argument" },
        { """{"align": 4095}""", "alignment 0xfff must be multiples of page size 0x1000" },
        { """{"align": 12288}""", "alignment 0x3000 must be a power of two" },
        { """{"offset": 1}""", "offset 0x1 must be multiples of page size 0x1000" },
        { """{"offset": -4096}""", "unable to map backing store for guest RAM: Value too large for defined data type" },
        { """{"size": -1}""", "memory size 0x0 must be equal to or larger than page size 0x1000" },
    };

    [Theory, MemberData(nameof(Failing))]
    public void ObjectAdd_ThatFails_RemovesTheFileItMade(string properties, string text)
    {
        using var client = Daemon.Connect();
        var path = InFolder("mem");
        var arguments = On(path);
        foreach (var (name, value) in JsonNode.Parse(properties)!.AsObject())
            arguments[name] = value!.DeepClone();

        Assert.Equal(text, client.AddRefused("memory-backend-file", "m", arguments));

        Assert.False(File.Exists(path));
        Assert.DoesNotContain(Memory.Files(), f => f.Target.Contains(path, StringComparison.Ordinal));
    }

    [Fact]
    public void ObjectAdd_ThatFails_KeepsAFileThatWasThere()
    {
        using var client = Daemon.Connect();
        var path = InFolder("mem");
        File.WriteAllText(path, "");
        var arguments = On(path);
        arguments["policy"] = "bind";

        client.AddRefused("memory-backend-file", "m", arguments);

        Assert.True(File.Exists(path));
    }

    [Fact]
    public void ObjectAdd_OfATakenId_MakesNoFile()
    {
        using var client = Daemon.Connect();
        client.Add("memory-backend-ram", "m", new() { ["size"] = 4096 });
        var path = InFolder("mem");

        var text = client.AddRefused("memory-backend-file", "m", On(path));

        Assert.Equal("attempt to add duplicate property 'm' to object (type 'container')", text);
        Assert.False(File.Exists(path));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(4095)]
    [InlineData(4096)]
    [InlineData(4097)]
    public void ObjectAdd_OnASmallerFile_IsRefused_AndTheFileUntouched(long length)
    {
        using var client = Daemon.Connect();
        var path = InFolder("mem");
        using (var file = File.Create(path))
            file.SetLength(length);

        var text = client.AddRefused("memory-backend-file", "m", On(path));

        Assert.Equal($"m backing store size 0x{length:x} is too small for 'size' option 0x100000 plus 'offset' option 0x0", text);
        Assert.Equal(length, ProcMemory.Stat(path).Length);
    }

    [Fact]
    public void ObjectAdd_OfReadonly_MapsTheFileReadOnly_AndMakesNone()
    {
        using var client = Daemon.Connect();
        var path = InFolder("mem");
        var arguments = On(path, 3 * MiB);
        arguments["readonly"] = true;
        Assert.Equal($"can't open backing store {path} for guest RAM: No such file or directory",
            client.AddRefused("memory-backend-file", "m", arguments));
        using (var file = File.Create(path))
            file.SetLength(3 * MiB);

        client.Add("memory-backend-file", "m", arguments);

        Assert.StartsWith("r--", Memory.Backend(3 * (ulong)MiB).Permissions, StringComparison.Ordinal);
        Assert.Equal("on", client.Get("m", "rom").GetString());
    }

    // QEMU 11.1 never comes back from either: the one is opened again and again, the other waits for a writer.
    [Theory]
    [InlineData(true, false, "can't open backing store {P} for guest RAM: File exists")]
    [InlineData(false, true, "unable to map backing store for guest RAM: No such device")]
    [InlineData(false, false, "unable to map backing store for guest RAM: No such device")]
    public void ObjectAdd_OnALinkThatLeadsNowhere_OrAFifo_IsRefusedAtOnce(bool link, bool readOnly, string text)
    {
        using var client = Daemon.Connect();
        var path = InFolder("mem");
        if (link)
            File.CreateSymbolicLink(path, "nowhere");
        else
            Harness.Program.Check("mkfifo", path);
        var arguments = On(path);
        arguments["readonly"] = readOnly;

        Assert.Equal(text.Replace("{P}", path, StringComparison.Ordinal), client.AddRefused("memory-backend-file", "m", arguments));

        Assert.False(File.Exists(InFolder("nowhere")));
    }

    // QEMU 11.1 answers success, and the first access raises SIGBUS. The daemon must not access such memory.
    [Theory]
    [InlineData("""{"share": true}""")]
    [InlineData("""{"share": false}""")]
    [InlineData("""{"share": false, "rom": "off"}""")]
    [InlineData("""{"share": true, "offset": 4096}""")]
    public void ObjectAdd_OfReadonly_OnAnEmptyFile_IsSuccess_AndTheDaemonLives(string more)
    {
        using var client = Daemon.Connect();
        var path = InFolder("empty");
        File.Create(path).Dispose();
        var arguments = On(path);
        arguments["readonly"] = true;
        foreach (var (name, value) in JsonNode.Parse(more)!.AsObject())
            arguments[name] = value?.DeepClone();

        client.Add("memory-backend-file", "m", arguments);

        Assert.Equal(0, ProcMemory.Stat(path).Length);
        client.Ok("query-memdev-stats", new() { ["id"] = "m" });
        if (more.Contains("rom", StringComparison.Ordinal))
            Assert.Matches("preallocating memory failed: Bad address: 0 of 1048576 bytes filled, the file has 0 bytes of 1048576$",
                client.SetRefused("m", "prealloc", true));
        client.Set("m", "merge", false);
        client.Set("m", "merge", true);
        var lent = client.Ok("memdev-map", new() { ["id"] = "m" });
        client.Ok("query-memdev-mappings");
        client.Received.ForEach(descriptor => descriptor.Dispose());
        client.Ok("memdev-unmap", new() { ["mapping"] = lent.GetProperty("mapping").GetString() });
        client.Delete("m");
        Assert.False(Daemon.HasExited);
    }

    [Fact]
    public void ObjectDel_WithDiscardData_GivesTheBlocksBack_AndKeepsTheLength()
    {
        using var client = Daemon.Connect();
        var path = Path.Combine("/dev/shm", $"hostmemd-{Guid.NewGuid():N}");
        var arguments = On(path, 4 * MiB);
        (arguments["share"], arguments["prealloc"], arguments["discard-data"]) = (true, true, true);
        try
        {
            client.Add("memory-backend-file", "m", arguments);
            Assert.Equal(4 * MiB, ProcMemory.Stat(path).Allocated);

            client.Delete("m");

            Assert.Equal((4 * MiB, 0L), (ProcMemory.Stat(path).Length, ProcMemory.Stat(path).Allocated));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void Quit_HonoursDiscardData()
    {
        var path = Path.Combine("/dev/shm", $"hostmemd-{Guid.NewGuid():N}");
        var arguments = On(path, 4 * MiB);
        (arguments["share"], arguments["prealloc"], arguments["discard-data"]) = (true, true, true);
        try
        {
            using (var client = Daemon.Connect())
            {
                client.Add("memory-backend-file", "m", arguments);
                client.Command("quit");
                Assert.True(client.Ends());
            }

            Assert.Equal(0, Daemon.AwaitExit());
            Assert.Equal((4 * MiB, 0L), (ProcMemory.Stat(path).Length, ProcMemory.Stat(path).Allocated));
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void TwoBackends_MayShareOneFile()
    {
        using var client = Daemon.Connect();
        var arguments = On(InFolder("mem"));
        arguments["share"] = true;

        client.Add("memory-backend-file", "a", arguments);
        client.Add("memory-backend-file", "b", arguments);

        Assert.Equal(2, Memory.Mappings().Count(m => m.Path == InFolder("mem")));
    }

    // QEMU takes U+0000 for the bytes C0 80; we refuse it.
    [Fact]
    public void ObjectAdd_WithNulInThePath_IsRefused()
    {
        using var client = Daemon.Connect();

        client.AddRefused("memory-backend-file", "m", On(InFolder("a\0b")));

        Assert.DoesNotContain(Directory.GetFiles(Daemon.Folder), f => Path.GetFileName(f).StartsWith('a'));
    }
}
