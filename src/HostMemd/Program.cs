using HostMemd;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Extensions.Hosting.Internal;
using Microsoft.Extensions.Logging.Abstractions;

try
{
    var line = CommandLine.Parse(args);
    if (line.Answer is { } answer)
    {
        Console.Out.Write(answer());
        return 0;
    }
    var options = line.ApplyTo(ConfigFile.Read(line.ConfigPath));
    if (options.Daemonize && !Daemonizer.IsBackground)
    {
        Daemonizer.Start();
        return 0;
    }
    await RunAsync(line, options);
    return 0;
}
catch (StartException failure)
{
    if (Daemonizer.IsBackground)
        Daemonizer.Report(failure.Message);
    else
        Console.Error.Write($"hostmemd: {failure.Message}\n");
    return 1;
}
catch (OperationCanceledException)
{
    // A signal came first: asked to end, we have ended.
    Daemonizer.Report("ended by a signal before it was ready");
    return 0;
}

// The parts are put together by hand: the host's builder and its container took 11 of the 63 ms until a client is greeted (bench/start).
static async Task RunAsync(CommandLine line, HostMemdOptions options)
{
    using var log = new DaemonLog(options.Log);
    using var notify = Notify.FromEnvironment();
    var passed = SocketActivation.Take();
    var owned = new OwnedFiles();
    var application = new ApplicationLifetime(NullLogger<ApplicationLifetime>.Instance);
    using var signals = new EndingSignals(application, owned);
    var daemon = new Daemon(options, log.Factory, new(notify));
    var service = new HostMemdService(options, line, daemon, log, passed, owned, notify, application);

    signals.Begin();
    await service.StartAsync(application.ApplicationStopping);
    var stopping = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
    using (application.ApplicationStopping.Register(stopping.SetResult))
        await stopping.Task;
    // Memory is given back however long that takes; systemd's TimeoutStopSec is the bound.
    await service.StopAsync(CancellationToken.None);
}
