using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Memory;

/// <summary>Prealloc by the count of resident pages, not by the property.</summary>
public sealed class PreallocTests(ITestOutputHelper output) : DaemonTest(output)
{
    const ulong Size = 24 << 20;

    ulong Resident => new ProcMemory(Daemon.Pid).Backend(Size).Resident;

    [Theory]
    [InlineData("memory-backend-ram")]
    [InlineData("memory-backend-memfd")]
    [InlineData("memory-backend-shm")]
    public void Prealloc_FillsAtCreation_OrWhenSet(string type)
    {
        using var client = Daemon.Connect();

        client.Add(type, "m", new() { ["size"] = Size });
        Assert.Equal(0ul, Resident);
        client.Set("m", "prealloc", true);
        Assert.Equal(Size, Resident);
        client.Delete("m");

        client.Add(type, "m", new() { ["size"] = Size, ["prealloc"] = true });
        Assert.Equal(Size, Resident);
    }

    [Fact]
    public void Prealloc_SetFalse_ChangesNothing()
    {
        using var client = Daemon.Connect();
        client.Add("memory-backend-ram", "m", new() { ["size"] = Size, ["prealloc"] = true });

        client.Set("m", "prealloc", false);

        Assert.True(client.Get("m", "prealloc").GetBoolean());
        Assert.Equal(Size, Resident);
    }

    [Fact]
    public void Prealloc_OfManyThreads_FillsAll()
    {
        const ulong Large = 256 << 20;
        using var client = Daemon.Connect();

        client.Add("memory-backend-memfd", "m", new() { ["size"] = Large, ["prealloc"] = true, ["prealloc-threads"] = 4 });

        Assert.Equal(Large, new ProcMemory(Daemon.Pid).Backend(Large).Resident);
    }

    [Fact]
    public void Prealloc_OfASharedFile_AllocatesItsBlocks_AndKeepsItsContent()
    {
        using var client = Daemon.Connect();
        var path = InFolder("mem");
        File.WriteAllText(path, "kept");
        using (var file = File.OpenWrite(path))
            file.SetLength((long)Size);

        client.Add("memory-backend-file", "m", new() { ["size"] = Size, ["mem-path"] = path, ["share"] = true, ["prealloc"] = true });

        Assert.Equal((long)Size, ProcMemory.Stat(path).Allocated);
        using var text = new StreamReader(path);
        var begin = new char[4];
        text.Read(begin);
        Assert.Equal("kept", new string(begin));
    }

    [Fact]
    public void Prealloc_OfAPrivateFile_LeavesItSparse()
    {
        using var client = Daemon.Connect();
        var path = InFolder("mem");

        client.Add("memory-backend-file", "m", new() { ["size"] = Size, ["mem-path"] = path, ["prealloc"] = true });

        Assert.Equal(Size, Resident);
        Assert.Equal(0L, ProcMemory.Stat(path).Allocated);
    }

    [Fact]
    public void MemPreallocOption_FillsEveryBackend_AndRefusesTheProperty()
    {
        var daemon = Start("--mem-prealloc");
        using var client = daemon.Connect();

        client.Add("memory-backend-ram", "m", new() { ["size"] = Size });

        Assert.Equal(Size, Resident);
        Assert.True(client.Get("m", "prealloc").GetBoolean());
        // The 2016 seed's text.
        Assert.Equal("remove -mem-prealloc to use the prealloc property", client.SetRefused("m", "prealloc", true));
    }
}

/// <summary>What happens when memory runs out, on a file system of 4 MiB.</summary>
public sealed class FullFileSystemTests : DaemonTest
{
    readonly string _mount = Path.Combine(DaemonProcess.NewFolder());

    public FullFileSystemTests(ITestOutputHelper output) : base(output)
    {
        if (Needs.Missing(Need.TmpfsMount) is not null)
            return;
        Program.Check("mount", "-t", "tmpfs", "-o", "size=4m", "hostmemd-test", _mount);
        Keep(new Unmount(_mount));
    }

    // Done when the tests's things are, which is before the daemon: lazily, since it may still hold a file there.
    sealed class Unmount(string folder) : IDisposable
    {
        public void Dispose()
        {
            Program.Check("umount", "-l", folder);
            Directory.Delete(folder);
        }
    }

    [FactIf(Need.TmpfsMount)]
    public void ObjectAdd_WhosePreallocFails_IsRefused_AndItsFileIsRemoved()
    {
        using var client = Daemon.Connect();
        var path = Path.Combine(_mount, "mem");

        var text = client.AddRefused("memory-backend-file", "m",
            new() { ["size"] = 16 << 20, ["mem-path"] = path, ["share"] = true, ["prealloc"] = true });

        Assert.StartsWith("qemu_prealloc_mem: preallocating memory failed: Bad address", text, StringComparison.Ordinal);
        Assert.False(File.Exists(path));
        Assert.Equal("/objects/m", Gone(client));
    }

    [FactIf(Need.TmpfsMount)]
    public void ObjectAdd_WhosePreallocFails_KeepsAFileThatWasThere()
    {
        using var client = Daemon.Connect();
        var path = Path.Combine(_mount, "mem");
        using (var file = File.Create(path))
            file.SetLength(16 << 20);

        client.AddRefused("memory-backend-file", "m",
            new() { ["size"] = 16 << 20, ["mem-path"] = path, ["share"] = true, ["prealloc"] = true });

        Assert.Equal(16L << 20, ProcMemory.Stat(path).Length);
    }

    [FactIf(Need.TmpfsMount)]
    public void QomSet_OfPreallocThatFails_LeavesThePropertyFalse_AndTheDaemonAlive()
    {
        using var client = Daemon.Connect();
        client.Add("memory-backend-file", "m", new() { ["size"] = 16 << 20, ["mem-path"] = Path.Combine(_mount, "mem"), ["share"] = true });

        var first = client.SetRefused("m", "prealloc", true);
        var second = client.SetRefused("m", "prealloc", true);

        Assert.StartsWith("qemu_prealloc_mem: preallocating memory failed: Bad address", first, StringComparison.Ordinal);
        Assert.StartsWith("qemu_prealloc_mem: preallocating memory failed: Bad address", second, StringComparison.Ordinal);
        Assert.False(client.Get("m", "prealloc").GetBoolean());
        client.Delete("m");
    }

    static string Gone(QmpClient client)
    {
        var text = client.Refused("qom-get", new() { ["path"] = "/objects/m", ["property"] = "size" });
        return text.Replace("Device '", "", StringComparison.Ordinal).Replace("' not found", "", StringComparison.Ordinal);
    }
}
