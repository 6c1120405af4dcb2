using System.Globalization;
using System.Text;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Peers;

/// <summary>A QEMU that runs a guest on the daemon's memory. Both sides see the same content (clients.md § 6).</summary>
public sealed class QemuGuestTests(ITestOutputHelper output) : DaemonTest(output)
{
    const int Size = 64 << 20;

    /// <summary>An address that the guest does not write: above the first megabyte, below the end.</summary>
    const long FreeAddress = 0x2000000;

    OpenFile AddMemory(QmpClient client, string type)
    {
        client.Add(type, "guest", new() { ["size"] = Size, ["share"] = true });
        return new ProcMemory(Daemon.Pid).Files().Single(f => f.Target.Contains(type switch
        {
            "memory-backend-ram" => "/memfd:guest",
            "memory-backend-shm" => "/dev/shm/",
            _ => "/memfd:memory-backend-memfd",
        }, StringComparison.Ordinal));
    }

    RunningQemu Guest(OpenFile memory, params string[] more)
    {
        var socket = InFolder("guest.sock");
        return Keep(new RunningQemu(Qemu.Launch(Qemu.Program, ["-accel", "tcg", "-machine", "pc,memory-backend=guest", "-m", "64M",
            "-nodefaults", "-display", "none", "-object", $"memory-backend-file,id=guest,size={Size},mem-path={memory.Path},share=on",
            "-qmp", $"unix:{socket},server=on,wait=off", .. more]), socket));
    }

    [TheoryIf(Need.QemuSystemX86_64)]
    [InlineData("memory-backend-memfd")]
    [InlineData("memory-backend-ram")]
    public void Guest_SeesWhatIsWrittenToOurMemory(string type)
    {
        using var client = Daemon.Connect();
        var memory = AddMemory(client, type);
        using var guest = Guest(memory, "-S").Connect();
        using var file = memory.Open();

        RandomAccess.Write(file, Encoding.ASCII.GetBytes("HostMemd"), FreeAddress);

        var seen = guest.Monitor(string.Create(CultureInfo.InvariantCulture, $"xp /8xb {FreeAddress}"));
        Assert.Contains("0x48 0x6f 0x73 0x74 0x4d 0x65 0x6d 0x64", seen, StringComparison.Ordinal);
    }

    [FactIf(Need.QemuSystemX86_64)]
    public void OurMemory_ShowsWhatTheGuestWrites()
    {
        using var client = Daemon.Connect();
        var memory = AddMemory(client, "memory-backend-memfd");
        using var file = memory.Open();
        var word = new byte[2];

        using var guest = Guest(memory).Connect();

        // The BIOS data area: the firmware writes the size of base memory to 0x413, some 639 KiB.
        Eventually.True(() => RandomAccess.Read(file, word, 0x413) == 2 && BitConverter.ToUInt16(word) is > 600 and <= 640,
            "the firmware to write its data area");
        var seen = guest.Monitor("xp /1xh 0x413");
        Assert.Contains($"0x{BitConverter.ToUInt16(word):x4}", seen, StringComparison.Ordinal);
    }

    [FactIf(Need.QemuSystemX86_64)]
    public void OurMemory_KeepsItsContent_AfterTheGuestIsGone()
    {
        using var client = Daemon.Connect();
        var memory = AddMemory(client, "memory-backend-memfd");
        using (var file = memory.Open())
            RandomAccess.Write(file, Encoding.ASCII.GetBytes("kept"), FreeAddress);
        using (var guest = Guest(memory, "-S").Connect())
        {
            guest.Command("quit");
            Assert.True(guest.Ends());
        }

        using var again = memory.Open();
        var word = new byte[4];
        RandomAccess.Read(again, word, FreeAddress);
        Assert.Equal("kept", Encoding.ASCII.GetString(word));
        Assert.Equal(Size, RandomAccess.GetLength(again));
    }
}
