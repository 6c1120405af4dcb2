using System.Diagnostics;
using System.Globalization;

namespace HostMemd.Integration.Ctl;

/// <summary>A process that has borrowed memory, by hostmemctl run.</summary>
sealed class HeldMemory : IDisposable
{
    readonly Process _process;

    public HeldMemory(CtlTest test, string id, params string[] options)
    {
        _process = test.Hold(id, options);
        Assert.Equal("here", _process.StandardOutput.ReadLine());
    }

    public int Pid => _process.Id;

    /// <summary>As hostmemctl writes it.</summary>
    public string Name => string.Create(CultureInfo.InvariantCulture, $"{File.ReadAllText($"/proc/{Pid}/comm").Trim()}[{Pid}]");

    public void Dispose()
    {
        _process.Kill();
        _process.WaitForExit();
        _process.Dispose();
    }
}
