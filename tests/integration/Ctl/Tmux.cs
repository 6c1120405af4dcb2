using System.Globalization;
using HostMemd.Integration.Harness;

namespace HostMemd.Integration.Ctl;

/// <summary>A terminal of a certain size, in which a program runs; what it shows can be read, and keys can be typed.</summary>
sealed class Tmux : IDisposable
{
    readonly string _server = "hostmemd-test-" + Guid.NewGuid().ToString("N");

    public Tmux(int width, int height, string command) =>
        Run("-f", "/dev/null", "new-session", "-d", "-s", "it", "-x", Text(width), "-y", Text(height), command);

    /// <summary>The lines of the screen, without those that are empty at its end.</summary>
    public string Screen => string.Join('\n', Run("capture-pane", "-p", "-t", "it").Split('\n').Select(l => l.TrimEnd())).TrimEnd('\n');

    /// <summary>The screen with its escapes for bold and colours.</summary>
    public string ScreenWithEscapes => Run("capture-pane", "-p", "-e", "-t", "it");

    /// <summary>Types text, and nothing behind it.</summary>
    public void Type(string text) => Run("send-keys", "-t", "it", "-l", text);

    /// <summary>Presses a key by tmux's name, such as Enter, Tab or C-c.</summary>
    public void Press(string key) => Run("send-keys", "-t", "it", key);

    public void Enter(string line)
    {
        Type(line);
        Press("Enter");
    }

    public void Resize(int width, int height) => Run("resize-window", "-t", "it", "-x", Text(width), "-y", Text(height));

    /// <summary>Waits until the screen has that text.</summary>
    /// <returns>The screen.</returns>
    public string Await(string text) => AwaitFit(s => s.Contains(text, StringComparison.Ordinal), text);

    /// <summary>The same, and the shell waits for the next line.</summary>
    public string AwaitPrompt(string text) =>
        AwaitFit(s => s.Contains(text, StringComparison.Ordinal) && s.EndsWith("\n$", StringComparison.Ordinal), text + " and a prompt");

    /// <summary>Presses the key until the screen is as wanted: what it asks for may not have come in the time that a program waits for
    /// it.</summary>
    public void PressUntil(string key, Func<string, bool> fits, string what)
    {
        for (var i = 0; i < 20; i++)
        {
            Press(key);
            if (Polling.Until(() => fits(Screen), TimeSpan.FromSeconds(3)))
                return;
        }
        Assert.Fail($"in vain waited for {what}; the screen is\n{Screen}");
    }

    /// <summary>Waits until the screen is as wanted.</summary>
    public string AwaitFit(Func<string, bool> fits, string what)
    {
        var last = "";
        if (!Polling.Until(() => fits(last = Screen), TimeSpan.FromSeconds(60)))
            Assert.Fail($"in vain waited for {what}; the screen is\n{last}");
        return last;
    }

    string Run(params string[] arguments) => Program.Check("tmux", ["-L", _server, .. arguments]);

    static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    public void Dispose() => Program.Run("", "tmux", "-L", _server, "kill-server");
}
