using HostMemd;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

// A command is answered on the thread that saw its bytes come: 15.5 us instead of 20 to 24 for the round trip of a qom-get on one
// CPU (bench/load, 2026-11-21). What takes long never runs there; see docs/decisions/0002. Before the first socket.
Environment.SetEnvironmentVariable("DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS", "1");

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

static async Task RunAsync(CommandLine line, HostMemdOptions options)
{
    using var log = new DaemonLog(options.Log);
    var builder = Host.CreateEmptyApplicationBuilder(null);
    builder.Services
        .AddSingleton(line)
        .AddSingleton(options)
        .AddSingleton(log)
        .AddSingleton<ILoggerFactory>(log.Factory)
        .AddSingleton(Notify.FromEnvironment())
        .AddSingleton(SocketActivation.Take())
        .AddSingleton<OwnedFiles>()
        .AddSingleton(services => new Daemon(options, log.Factory, new(services.GetRequiredService<Notify>())))
        .AddSingleton<IHostLifetime, SignalLifetime>()
        .AddHostedService<HostMemdService>()
        // Memory is given back however long that takes; systemd's TimeoutStopSec is the bound.
        .Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
    using var host = builder.Build();
    await host.RunAsync();
}
