using System.Buffers.Binary;
using System.Diagnostics;
using HostMemd.Integration.Harness;
using HostMemd.Qapi;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Handover;

/// <summary>A real virtual machine on the daemon's memory, and what one can do with it that way.</summary>
public sealed class GuestTests(ITestOutputHelper output) : HandoverTest(output)
{
    async Task<string> AddGuestMemoryAsync()
    {
        await AddMemfdAsync("vm", Guest.MemorySize);
        return await PathOfAsync("vm");
    }

    RunningGuest Boot(string name, string memory, bool isIncoming = false) =>
        Keep(new RunningGuest(Daemon.Folder, name, memory, isIncoming));

    [GuestFact]
    public async Task GuestBootsOnLentMemory_WhichCannotBeDeletedWhileItLives()
    {
        var guest = Boot("guest", await AddGuestMemoryAsync());
        guest.AwaitCounting();

        Assert.Equal(Mapped("vm"), await RefusedAsync(Client.DeleteObjectAsync("vm")));
        var user = Assert.Single(await Client.QueryMappingsAsync("vm"));
        Assert.Equal((MemdevMappingKind.Kernel, guest.Pid), (user.Kind, (int)user.Pid));
        Assert.StartsWith("qemu-system", user.Comm, StringComparison.Ordinal);

        guest.Kill();
        DeleteWhenFree("vm");
    }

    [GuestFact]
    public async Task GuestAndASecondProcess_ShareTheMemory_BothWays()
    {
        var guest = Boot("guest", await AddGuestMemoryAsync());
        guest.AwaitCounting();
        // As a vhost-user device would: beside the machine, in its memory, while it runs.
        await using var device = await Client.MapAsync("vm", name: "device");

        var first = BinaryPrimitives.ReadInt32LittleEndian(device.GetReadOnlySpan(Guest.Mailbox, 4));
        Assert.True(first > 0);
        Eventually.True(() => BinaryPrimitives.ReadInt32LittleEndian(device.GetReadOnlySpan(Guest.Mailbox, 4)) > first, "the guest's next number");
        BinaryPrimitives.WriteUInt32LittleEndian(device.GetSpan(Guest.Mailbox + 4, 4), 0xCAFE);
        Eventually.True(() => guest.Console.Contains("heard 0x0000CAFE", StringComparison.Ordinal), "the guest's answer");

        Assert.Equal([MemdevMappingKind.Lease, MemdevMappingKind.Kernel], (await Client.QueryMappingsAsync("vm")).Select(u => u.Kind));
    }

    [GuestFact]
    public async Task VirtualMachineMonitorIsReplaced_AndTheGuestCountsOn()
    {
        var memory = await AddGuestMemoryAsync();
        // Between the two no other process holds the memory, so the test does.
        var kept = await Client.BorrowAsync("vm", name: "replacement");
        var before = Boot("before", memory);
        before.AwaitCounting();
        before.IgnoreShared();
        var state = InFolder("state");

        var clock = Stopwatch.StartNew();
        before.Execute("stop");
        before.Save(state);
        before.Kill();
        var killed = clock.Elapsed;
        Assert.Equal(Mapped("vm"), await RefusedAsync(Client.DeleteObjectAsync("vm")));
        var after = Boot("after", memory, isIncoming: true);
        after.IgnoreShared();
        after.Load(state);
        after.Execute("cont");
        var stoodStill = clock.Elapsed;

        Output.WriteLine($"the guest stood still for {stoodStill.TotalMilliseconds:F0} ms, {killed.TotalMilliseconds:F0} of them until the old monitor "
            + $"was gone; device state: {new FileInfo(state).Length} bytes");
        after.AwaitCounting(20);
        var counted = RunningGuest.Counted(before.Console + after.Console);
        Assert.Equal(Enumerable.Range(1, counted.Length), counted);
        Assert.True(RunningGuest.Counted(after.Console)[0] > 1);
        Assert.True(stoodStill < TimeSpan.FromSeconds(10), $"it took {stoodStill}");

        after.Kill();
        await kept.DisposeAsync();
        DeleteWhenFree("vm");
    }

    [GuestFact(Python3)]
    public void TheExampleInTheDocumentation_Works()
    {
        var script = Path.Combine(Repository.Root, "docs/examples/vmm-live-replacement.py");
        var said = Program.Check("python3", script, "--qmp", Daemon.SocketPath, "--kernel", Guest.Kernel!);
        Output.WriteLine(said);
        Assert.Contains("the guest stood still for", said, StringComparison.Ordinal);
        Assert.Contains("no number is missing", said, StringComparison.Ordinal);
        Assert.Empty(Client.QueryMemdevAsync().Result);
    }
}
