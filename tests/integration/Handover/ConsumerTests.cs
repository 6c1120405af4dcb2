using System.Globalization;
using HostMemd.Integration.Harness;
using HostMemd.Qapi;
using Xunit.Abstractions;
using static HostMemd.Integration.Harness.Need;

namespace HostMemd.Integration.Handover;

/// <summary>Programs in other languages that receive the descriptor, alone and several at a time.</summary>
public sealed class ConsumerTests(ITestOutputHelper output) : HandoverTest(output)
{
    [FactIf(Gcc)]
    public async Task CProgram_ReceivesTheDescriptor_AndBothSeeTheSame()
    {
        var program = InFolder("consumer");
        Program.Check("gcc", "-Wall", "-Werror", "-o", program, Consumer.Script("consumer.c"));
        await AddMemfdAsync("c", 4 * MiB);
        await using var ours = await Client.MapAsync("c");
        ours.GetSpan(0, 4).Fill(0x41);

        var said = Program.Check(program, Daemon.SocketPath, "c");

        Assert.Equal($"41414141 {4 * MiB}\n", said);
        Assert.Equal("BBBB"u8.ToArray(), ours.GetReadOnlySpan(0, 4).ToArray());
    }

    [FactIf(Python3)]
    public async Task PythonScript_ReceivesTheDescriptor_AndBothSeeTheSame()
    {
        await AddMemfdAsync("p", 4 * MiB);
        await using var ours = await Client.MapAsync("p");
        "hello"u8.CopyTo(ours.GetSpan(3 * MiB, 5));
        var script = NewConsumer();

        script.Do("borrow p", "map");

        Assert.Equal(Convert.ToHexStringLower("hello"u8), script.Ask(string.Create(CultureInfo.InvariantCulture, $"read {3 * MiB} 5")));
        script.Do("write 0 c0ffee");
        Assert.Equal([0xc0, 0xff, 0xee], ours.GetReadOnlySpan(0, 3).ToArray());
    }

    [FactIf(Python3)]
    public async Task TwoProcesses_ShareTheMemoryAtTheSameTime()
    {
        await AddMemfdAsync("two");
        var (device, driver) = (NewConsumer(), NewConsumer());
        device.Do("borrow two", "map");
        driver.Do("borrow two", "map");

        driver.Do("write 4096 0102");
        Assert.Equal("0102", device.Ask("read 4096 2"));
        device.Do("write 8192 0304");
        Assert.Equal("0304", driver.Ask("read 8192 2"));

        var users = await Client.QueryMappingsAsync("two");
        // The kernel's numbers start anew at pid_max, so the later process may have the smaller one.
        Assert.Equal(new[] { device.Pid, driver.Pid }.Order(), users.Select(u => (int)u.Pid).Order());
        Assert.All(users, u => Assert.Equal((MemdevMappingKind.Lease, "consumer.py"), (u.Kind, u.Name)));
        device.Kill();
        Assert.Equal(Mapped("two"), await RefusedAsync(Client.DeleteObjectAsync("two")));
        driver.Kill();
        DeleteWhenFree("two");
    }
}
