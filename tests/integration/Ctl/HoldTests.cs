using System.Globalization;
using System.Text.Json;
using HostMemd.Integration.Harness;
using Xunit.Abstractions;

namespace HostMemd.Integration.Ctl;

/// <summary>Lending memory to commands, and what is said while they have it.</summary>
public sealed class HoldTests(ITestOutputHelper output) : CtlTest(output)
{
    [FactIf(Need.Python3)]
    public void Run_LendsForAsLongAsTheCommandRuns_AndARefusalNamesIt()
    {
        Memfd("vm1", 1 << 20);
        using (var holder = new HeldMemory(this, "vm1", "--name", "a test"))
        {
            var who = Good("who", "--no-legend", "-o", "wide", "vm1").Split("  ", StringSplitOptions.RemoveEmptyEntries);
            Assert.Equal(["vm1", holder.Pid.ToString(CultureInfo.InvariantCulture), holder.Name.Split('[')[0], "lease", "rw"],
                who[..5].Select(w => w.Trim()));
            Assert.Equal(["map1", "a test"], who[^2..].Select(w => w.Trim()));
            var refused = Ctl("rm", "vm1");
            Assert.Equal((1, $"hostmemctl: vm1 is in use by {holder.Name} (lease map1)\n"), (refused.Status, refused.Error));
            Good("unmap", "map1");
            Assert.Equal($"hostmemctl: vm1 is in use by {holder.Name} (kernel)\n", Ctl("rm", "vm1").Error);
        }
        Eventually.True(() => Good("who").Split('\n').Length == 2, "no holder");
        Assert.Equal("vm1 deleted\n", Good("rm", "vm1"));
    }

    [FactIf(Need.Python3)]
    public void Run_ReadOnly_LendsNothingToWriteTo()
    {
        Memfd("vm1", 1 << 20);
        using var holder = new HeldMemory(this, "vm1", "-r");
        Assert.Equal("r", JsonDocument.Parse(Good("who", "-o", "json")).RootElement[0].GetProperty("readonly").GetBoolean() ? "r" : "rw");
        var writer = Ctl("run", "-r", "vm1", "--", "python3", "-c", "import os, sys; os.pwrite(int(sys.argv[1]), b'x', 0)", "{fd}");
        Assert.Contains("Bad file descriptor", writer.Error, StringComparison.Ordinal);
    }

    [Fact]
    public void Run_GivesTheCommandWhatItNeeds_AndItsStatusBack()
    {
        Memfd("vm1", 1 << 20);
        var outcome = Ctl("run", "vm1", "--", "sh", "-c", "echo {fd} {size} {offset}; test -e {path} && stat -Lc %s {path}; exit 7");
        Assert.Equal(7, outcome.Status);
        Assert.Matches(@"^\d+ 1048576 0\n1048576\n$", outcome.Out);
        // The pipe's signal is not ignored, as the runtime has it.
        Assert.Equal("1\n", Ctl("run", "vm1", "--", "sh", "-c", "yes | head -n 1 >/dev/null; grep -c '^SigIgn:.*0000$' /proc/self/status")
            .Out);
        Assert.Equal((127, "hostmemctl: /no/such: No such file or directory\n"),
            (Ctl("run", "vm1", "--", "/no/such").Status, Ctl("run", "vm1", "--", "/no/such").Error));
        Assert.Equal((126, "hostmemctl: /etc/passwd: Permission denied\n"),
            (Ctl("run", "vm1", "--", "/etc/passwd").Status, Ctl("run", "vm1", "--", "/etc/passwd").Error));
        Assert.Equal((1, "hostmemctl: object 'vm2' not found\n"),
            (Ctl("run", "vm2", "--", "true").Status, Ctl("run", "vm2", "--", "true").Error));
        Assert.Equal(2, Ctl("run", "vm1", "true").Status);
        Eventually.True(() => Good("who").Split('\n').Length == 2, "no holder");
    }

    [FactIf(Need.QemuSystemX86_64)]
    public void Run_StartsAGuest_OnTheMemory()
    {
        Memfd("vm1", 64 << 20);
        using var qemu = StartCtl(null, "run", "vm1", "--", "qemu-system-x86_64", "-display", "none", "-m", "64M", "-machine",
            "pc,memory-backend=mem",
            "-object", "memory-backend-file,id=mem,size=64M,mem-path={path},share=on", "-qmp", "stdio", "-S");
        Assert.Contains("QMP", qemu.StandardOutput.ReadLine(), StringComparison.Ordinal);
        Assert.Contains($"qemu-system-x86[{qemu.Id}] (lease map1)", Ctl("rm", "vm1").Error, StringComparison.Ordinal);
        qemu.Kill();
        qemu.WaitForExit();
        Eventually.True(() => Ctl("rm", "vm1").Status == 0, "the end of the lease");
    }

    [FactIf(Need.Python3)]
    public void Map_LendsToAProcessThatRuns()
    {
        Memfd("vm1", 1 << 20);
        var words = Good("map", "vm1", "--pid", Environment.ProcessId.ToString(CultureInfo.InvariantCulture)).Trim().Split(' ');
        Assert.Equal("map1", words[0]);
        using (var memory = File.OpenHandle(words[1]))
            Assert.Equal(1 << 20, RandomAccess.GetLength(memory));
        Assert.Contains($"[{Environment.ProcessId}] (lease map1)", Ctl("rm", "vm1").Error, StringComparison.Ordinal);
        Good("unmap", "map1");
        Assert.Equal((1, "hostmemctl: mapping 'map1' not found\n"), (Ctl("unmap", "map1").Status, Ctl("unmap", "map1").Error));
        Assert.Equal((2, "hostmemctl: map: option '--pid' says which process; 'hostmemctl run' starts one\n"),
            (Ctl("map", "vm1").Status, Ctl("map", "vm1").Error));
        Good("rm", "vm1");
    }

    [FactIf(Need.Tmux)]
    public void Pattern_AsksBeforeItDeletes()
    {
        Memfd("vm1", 4096);
        Memfd("vm2", 4096);
        Memfd("keep", 4096);
        var refused = Ctl("rm", "vm*");
        Assert.Equal((1, "hostmemctl: Delete vm1, vm2 and what is in them? Nothing was done: there is no terminal to ask on; option "
            + "'--yes' answers\n"),
            (refused.Status, refused.Error));
        using var terminal = Terminal();
        terminal.Enter("clear; hostmemctl rm 'vm*'; echo status $?");
        terminal.Await("Delete vm1, vm2 and what is in them? [y/N]");
        terminal.Enter("n");
        Assert.Contains("hostmemctl: nothing was done", terminal.Await("status 1"), StringComparison.Ordinal);
        terminal.Enter("clear; hostmemctl rm 'vm*'; echo status $?");
        terminal.Await("[y/N]");
        terminal.Enter("y");
        terminal.Await("status 0");
        Assert.Equal("keep\n", Good("list", "-q"));
        Assert.Equal("keep deleted\n", Good("rm", "--all", "-y"));
        Assert.Equal((2, "hostmemctl: rm: ids and --all do not go together\n"),
            (Ctl("rm", "--all", "x").Status, Ctl("rm", "--all", "x").Error));
    }
}
