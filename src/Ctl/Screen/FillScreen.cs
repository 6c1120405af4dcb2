using System.Globalization;
using HostMemd.Qapi;
using Spectre.Console;
using Spectre.Console.Rendering;

namespace HostMemd.Ctl.Screen;

/// <summary>How far the filling of one object is.</summary>
/// <param name="Id">The object.</param>
/// <param name="Job">Its job.</param>
/// <param name="Rate">Bytes in a second.</param>
sealed record FillState(string Id, JobInfo Job, ulong Rate)
{
    /// <summary>Nothing more is going to happen.</summary>
    public bool IsOver => Job.Status >= JobStatus.Concluded;

    /// <summary>The time that is left at this rate.</summary>
    public string Rest => Rate == 0 || IsOver ? "" : TimeSpan.FromSeconds((Job.TotalProgress - Job.CurrentProgress) / (double)Rate)
        .ToString(@"hh\:mm\:ss", CultureInfo.InvariantCulture) is var text
            && text.StartsWith("00:", StringComparison.Ordinal) ? text[3..] : text;
}

/// <summary>Shows fillings as bars on standard error while they go on, and takes them away; where that is no terminal it shows
/// nothing.</summary>
static class FillScreen
{
    /// <param name="call">The verb.</param>
    /// <param name="work">Fills, and calls what it is given with what there is to show.</param>
    public static async Task RunAsync(Invocation call, Func<Action<IReadOnlyList<FillState>>, Task> work)
    {
        if (!call.Terminal.ShowsProgress || call.IsQuiet)
        {
            await work(_ => { }).ConfigureAwait(false);
            return;
        }
        var console = AnsiConsole.Create(new()
        {
            Out = new AnsiConsoleOutput(call.Terminal.Error),
            Ansi = AnsiSupport.Yes,
            ColorSystem = call.Terminal.HasColors ? ColorSystemSupport.Standard : ColorSystemSupport.NoColors,
            Interactive = InteractionSupport.Yes,
        });
        var states = new Dictionary<string, FillState>(StringComparer.Ordinal);
        var width = ErrorWidth() ?? 80;
        console.Profile.Width = width;
        console.Profile.Capabilities.Unicode = call.Terminal.IsUnicode;
        var bars = console.Progress().AutoClear(true).HideCompleted(false)
            .Columns(new Words(t => t.Description), new ProgressBarColumn { Width = Math.Clamp(width - 60, 10, 40) },
                new Words(t => string.Create(CultureInfo.InvariantCulture, $"{(int)t.Percentage,3}%")),
                new Words(t => Text(t.Description)));
        await bars.StartAsync(async context =>
        {
            var tasks = new Dictionary<string, ProgressTask>(StringComparer.Ordinal);
            await work(all =>
            {
                lock (states)
                {
                    foreach (var state in all)
                        states[state.Id] = state;
                }
                foreach (var state in all)
                {
                    if (!tasks.TryGetValue(state.Id, out var task))
                        tasks.Add(state.Id, task = context.AddTask(state.Id, maxValue: Math.Max(1, state.Job.TotalProgress)));
                    task.Value = state.Job.CurrentProgress;
                }
                context.Refresh();
            }).ConfigureAwait(false);
        }).ConfigureAwait(false);

        string Text(string id)
        {
            FillState? state;
            lock (states)
                states.TryGetValue(id, out state);
            if (state is null)
                return "";
            var text = $"{call.Size(state.Job.CurrentProgress)}/{call.Size(state.Job.TotalProgress)}";
            if (state.Job.Status == JobStatus.Paused)
                return text + "  paused";
            if (state.Rate > 0)
                text += $"  {call.Size(state.Rate)}/s";
            return state.Rest.Length > 0 ? $"{text} ETA {state.Rest}" : text;
        }
    }

    static int? ErrorWidth()
    {
        try
        {
            return Console.WindowWidth is > 0 and var width ? width : null;
        }
        catch (IOException)
        {
            return null;
        }
    }

    /// <summary>A column of plain text: names may have what Spectre takes for markup.</summary>
    sealed class Words(Func<ProgressTask, string> text) : ProgressColumn
    {
        protected override bool NoWrap => true;

        public override IRenderable Render(RenderOptions options, ProgressTask task, TimeSpan deltaTime) => new Text(text(task));
    }
}
