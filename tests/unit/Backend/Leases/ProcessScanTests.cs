using System.Globalization;
using HostMemd.Backend.Leases;
using HostMemd.Linux;
using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Unit.Backend.Leases;

/// <summary>Scans a folder made to look like /proc.</summary>
public sealed class ProcessScanTests : IDisposable
{
    readonly string _proc = Directory.CreateTempSubdirectory("hostmemd-proc-").FullName;
    readonly string _store;
    readonly FileIdentity _file;

    public ProcessScanTests()
    {
        _store = Path.Combine(_proc, "store");
        File.WriteAllText(_store, "memory");
        using var handle = File.OpenHandle(_store);
        Assert.Equal(Errno.None, Files.Status(handle, out var status));
        _file = new(status.DeviceText, status.Inode);
    }

    public void Dispose() => Directory.Delete(_proc, recursive: true);

    string Process(int pid, string comm, params string[] maps)
    {
        var folder = Path.Combine(_proc, pid.ToString(CultureInfo.InvariantCulture));
        Directory.CreateDirectory(Path.Combine(folder, "fd"));
        Directory.CreateDirectory(Path.Combine(folder, "fdinfo"));
        File.WriteAllText(Path.Combine(folder, "comm"), comm + "\n");
        File.WriteAllLines(Path.Combine(folder, "maps"), maps);
        return folder;
    }

    string Maps(string permissions) => Maps(permissions, _file.Device, _file.Inode);

    static string Maps(string permissions, string device, ulong inode) =>
        string.Create(CultureInfo.InvariantCulture, $"7f0000000000-7f0000100000 {permissions} 00000000 {device} {inode}    /memfd:m (deleted)");

    void Opens(string process, int descriptor, string flags)
    {
        File.CreateSymbolicLink(Path.Combine(process, "fd", descriptor.ToString(CultureInfo.InvariantCulture)), _store);
        File.WriteAllText(Path.Combine(process, "fdinfo", descriptor.ToString(CultureInfo.InvariantCulture)), $"pos:\t0\nflags:\t{flags}\n");
    }

    ScanResult Scan() => ProcessScan.Run(new HashSet<FileIdentity> { _file }, _proc);

    [Fact]
    public void Mapping_IsFound_WhoeverHasTheDescriptor()
    {
        Process(10, "qemu", Maps("rw-s"));
        Process(11, "bystander", Maps("rw-s", _file.Device, _file.Inode + 1), Maps("rw-s", "ff:ff", _file.Inode));
        Assert.Equal(new FileUser(10, "qemu", _file, IsReadOnly: false), Assert.Single(Scan().Users));
    }

    [Fact]
    public void Descriptor_IsFound_WithoutAMapping()
    {
        Opens(Process(10, "holder"), 7, "0100002");
        Assert.Equal(new FileUser(10, "holder", _file, IsReadOnly: false), Assert.Single(Scan().Users));
    }

    [Theory]
    [InlineData("r--s", "0100000", true)]
    [InlineData("rw-s", "0100000", false)]
    [InlineData("r--s", "0100002", false)]
    public void ReadOnly_IsWhoHasNoWayToWrite(string permissions, string flags, bool expected)
    {
        Opens(Process(10, "reader", Maps(permissions)), 3, flags);
        Assert.Equal(expected, Assert.Single(Scan().Users).IsReadOnly);
    }

    [Fact]
    public void ProcessWithoutMemory_AndThisOne_AreNoUsers()
    {
        Process(2, "kthreadd");
        Process(Environment.ProcessId, "us", Maps("rw-s"));
        Directory.CreateDirectory(Path.Combine(_proc, "sys"));
        Directory.CreateDirectory(Path.Combine(_proc, "12"));
        var scan = Scan();
        Assert.Empty(scan.Users);
        Assert.Equal(0, scan.Unseen);
    }

    // The device counts, not the node through which it was opened. /dev/null is a device on every host.
    [Fact]
    public void Device_IsFoundByItsNumber_ThroughWhicheverNode()
    {
        Assert.Equal(Errno.None, Files.StatusOf("/dev/null", out var node));
        var device = FileIdentity.Of(node)!.Value;
        Assert.Equal(new FileIdentity("char 1:3", 0), device);
        var mapper = Process(10, "mapper", $"{Maps("rw-s", node.DeviceText, node.Inode).Replace("/memfd:m (deleted)", "/dev/null", StringComparison.Ordinal)}");
        File.CreateSymbolicLink(Path.Combine(mapper, "root"), "/");
        var holder = Process(11, "holder");
        File.CreateSymbolicLink(Path.Combine(holder, "fd", "3"), "/dev/null");
        File.WriteAllText(Path.Combine(holder, "fdinfo", "3"), "flags:\t0100000\n");
        var bystander = Process(12, "bystander", Maps("rw-s"));
        File.CreateSymbolicLink(Path.Combine(bystander, "root"), "/");
        Opens(bystander, 4, "0100002");
        File.CreateSymbolicLink(Path.Combine(bystander, "fd", "5"), "/dev/full");

        var found = ProcessScan.Run(new HashSet<FileIdentity> { device }, _proc).Users.OrderBy(h => h.Pid);

        Assert.Equal([new(10, "mapper", device, IsReadOnly: false), new FileUser(11, "holder", device, IsReadOnly: true)], found);
    }

    [Fact]
    public void MappingOfZero_IsNotShared()
    {
        Assert.Equal(Errno.None, Files.StatusOf("/dev/zero", out var zero));
        Assert.Null(FileIdentity.Of(zero));
        Assert.Equal(Errno.None, Files.StatusOf("/", out var folder));
        Assert.Null(FileIdentity.Of(folder));
    }

    [Fact]
    public void Name_OfNoProcess_IsEmpty() => Assert.Equal("", ProcessScan.NameOf(10, _proc));

    [Fact]
    public void Process_WhoseMappingsCannotBeOpened_ForWhateverReason_IsUnseen()
    {
        var maps = Path.Combine(Process(10, "holder"), "maps");
        File.Delete(maps);
        // ELOOP: like ENFILE and ENOMEM no matter of rights.
        File.CreateSymbolicLink(maps, maps);
        Assert.Equal(1, Scan().Unseen);
    }

    [Fact]
    public void Processes_ThatCannotBeListed_AreAClearError()
    {
        var missing = Path.Combine(_proc, "missing");
        var refusal = Assert.Throws<QmpException>(() => ProcessScan.Run(new HashSet<FileIdentity> { _file }, missing));
        Assert.Equal("cannot look for processes that have the memory: No such file or directory", refusal.Message);
    }
}
