using System.Diagnostics;

namespace HostMemd.Integration.Harness;

/// <summary>Runs a program in a pid namespace of its own, with a /proc that shows it; unshare(1). It ends with the test.</summary>
static class PidNamespace
{
    /// <summary>The words before the program's own.</summary>
    public static readonly string[] Words = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"];

    /// <param name="info">The program, which is changed.</param>
    /// <param name="more">Further words before it.</param>
    public static void Wrap(ProcessStartInfo info, params string[] more)
    {
        string[] words = [.. Words, .. more, info.FileName];
        for (var i = 1; i < words.Length; i++)
            info.ArgumentList.Insert(i - 1, words[i]);
        info.FileName = words[0];
    }
}
