using System.Diagnostics;

namespace HostMemd.Integration.Harness;

/// <summary>Other people's programs: started, fed, waited for, and ended with the test.</summary>
static class Program
{
    static readonly TimeSpan s_patience = TimeSpan.FromSeconds(120);

    /// <summary>Runs one that must succeed.</summary>
    public static string Check(string program, params string[] arguments)
    {
        var (status, output, errors) = Run("", program, arguments);
        Assert.True(status == 0, $"{program} {string.Join(' ', arguments)}: {status}\n{output}{errors}");
        return output;
    }

    public static (int Status, string Output, string Errors) Run(string input, string program, params string[] arguments)
    {
        var info = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        info.Environment["LC_ALL"] = "C";
        info.Environment["TERM"] = "dumb";
        using var process = Process.Start(info)!;
        var output = process.StandardOutput.ReadToEndAsync();
        var errors = process.StandardError.ReadToEndAsync();
        try
        {
            process.StandardInput.Write(input);
            process.StandardInput.Close();
        }
        catch (IOException)
        {
            // It ended without reading: its status says why.
        }
        if (!process.WaitForExit(s_patience))
        {
            process.Kill(entireProcessTree: true);
            Assert.Fail($"{program} {string.Join(' ', arguments)} did not end");
        }
        return (process.ExitCode, output.GetAwaiter().GetResult(), errors.GetAwaiter().GetResult());
    }

    /// <summary>Where it is, or null.</summary>
    public static string? Find(string name) => (Environment.GetEnvironmentVariable("PATH") ?? "/usr/bin:/usr/sbin:/bin:/sbin")
        .Split(':').Select(folder => Path.Combine(folder, name)).FirstOrDefault(File.Exists);
}
