using System.Diagnostics;
using System.Text.RegularExpressions;

namespace HostMemd.Unit.Linux;

/// <summary>Asks the system's C headers: expressions are written into a program, compiled, run, and their values read back.</summary>
static partial class CProgram
{
    const string Head = """
        #define _GNU_SOURCE
        #include <stdio.h>
        #include <stddef.h>
        #include <string.h>
        #include <errno.h>
        #include <fcntl.h>
        #include <poll.h>
        #include <sched.h>
        #include <signal.h>
        #include <unistd.h>
        #include <spawn.h>
        #include <sys/file.h>
        #include <sys/mman.h>
        #include <sys/socket.h>
        #include <sys/un.h>
        #include <sys/wait.h>
        #include <sys/epoll.h>
        #include <sys/ioctl.h>
        #include <linux/userfaultfd.h>
        #include <sys/prctl.h>
        #include <sys/resource.h>
        #include <sys/stat.h>
        #include <sys/syscall.h>
        #include <sys/uio.h>
        #include <sys/vfs.h>
        #include <linux/falloc.h>
        #include <linux/fs.h>
        #include <linux/futex.h>
        #include <linux/magic.h>
        #include <linux/memfd.h>
        #include <linux/mempolicy.h>
        #include <linux/mman.h>
        #include <linux/openat2.h>
        #include <linux/posix_acl.h>
        #include <linux/sockios.h>
        #include <linux/posix_acl_xattr.h>
        int main(void) {

        """;

    [GeneratedRegex("[‘']([A-Za-z_0-9]+)[’'] undeclared")]
    private static partial Regex Undeclared();

    /// <summary>The value of each expression; what the headers do not know is in <paramref name="unknown"/>.</summary>
    internal static Dictionary<string, long> Values(IEnumerable<string> expressions, out SortedSet<string> unknown)
    {
        string[] all = [.. expressions];
        unknown = [.. Undeclared().Matches(Compile(Lines(all), run: false).Errors).Select(m => m.Groups[1].Value)];
        (var output, var errors) = Compile(Lines(all.Except(unknown)), run: true);
        Assert.Equal("", errors);
        return output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(line => line.Split('\t')).ToDictionary(part => part[0], part => long.Parse(part[1]));
    }

    /// <summary>What a program with this body prints.</summary>
    internal static string Run(string body)
    {
        (var output, var errors) = Compile(body, run: true);
        Assert.Equal("", errors);
        return output;
    }

    static string Lines(IEnumerable<string> expressions) =>
        string.Concat(expressions.Select(e => $"printf(\"%s\\t%lld\\n\", \"{e}\", (long long)({e}));\n"));

    static (string Output, string Errors) Compile(string body, bool run)
    {
        using Scratch scratch = new();
        var source = scratch.Write("ask.c", Head + body + "return 0; }\n");
        var program = Path.Combine(scratch.Path, "ask");
        (var _, var errors) = Start("/usr/bin/cc", "-w", "-fmax-errors=0", "-o", program, source);
        return errors != "" || !run ? ("", errors) : Start(program);
    }

    static (string Output, string Errors) Start(string program, params string[] arguments)
    {
        ProcessStartInfo info = new(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true };
        info.Environment["LC_ALL"] = "C";
        using var process = Process.Start(info)!;
        var errors = process.StandardError.ReadToEndAsync();
        return (process.StandardOutput.ReadToEnd(), errors.GetAwaiter().GetResult());
    }
}
