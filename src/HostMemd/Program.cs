using HostMemd;
using HostMemd.Config;
using HostMemd.Logging;
using HostMemd.Start;
using HostMemd.Systemd;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

ProcessorCheck.Check();
FileSizeSignal.Ignore();
try
{
    ArgumentBytes.Check(args);
    var line = CommandLine.Parse(args);
    if (line.Answer is { } answer)
    {
        StandardStreams.WriteOutput(answer());
        return 0;
    }
    var options = line.ApplyTo(ConfigFile.Read(line.ConfigPath));
    if (options.Daemonize && !Daemonizer.IsBackground)
    {
        Daemonizer.Start();
        return 0;
    }
    Reserves.Take();
    using var host = CreateHost(line, options);
    await host.RunAsync();
    return 0;
}
catch (Exception failure) when (failure is not OperationCanceledException && Failure.LineOf(failure) is not null)
{
    Failure.Report(Failure.LineOf(failure)!);
    return 1;
}
catch (OperationCanceledException)
{
    // A signal arrived before the daemon was ready. The daemon ended as asked.
    Daemonizer.Report("ended by a signal before it was ready");
    return 0;
}

// The builder starts empty, because configuration, environment and logging of the default one cost 8 to 11 ms of every start
// and the daemon reads its own. Factories keep reflection out of the container.
static IHost CreateHost(CommandLine line, HostMemdOptions options)
{
    var builder = Host.CreateEmptyApplicationBuilder(new() { DisableDefaults = true, ApplicationName = "hostmemd" });
    // The validator would start .NET's metrics, which nothing here reads, for 5 ms. The options were validated when they were read.
    builder.Services.RemoveAll<IStartupValidator>();
    // Memory is released however long that takes; systemd's TimeoutStopSec= is the bound.
    builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = Timeout.InfiniteTimeSpan);
    builder.Services
        .AddSingleton(line)
        .AddSingleton(Options.Create(options))
        .AddSingleton(_ => new DaemonLog(options.Log))
        .AddSingleton(services => services.GetRequiredService<DaemonLog>().Factory)
        .AddSingleton(_ => Notify.FromEnvironment())
        .AddSingleton(_ => SocketActivation.Take())
        .AddSingleton(_ => new OwnedFiles())
        .AddSingleton<IHostLifetime>(services => new SignalLifetime(
            services.GetRequiredService<IHostApplicationLifetime>(), services.GetRequiredService<OwnedFiles>()))
        .AddSingleton(services => new Daemon(
            options, services.GetRequiredService<ILoggerFactory>(), new(services.GetRequiredService<Notify>())))
        .AddHostedService(services => new HostMemdService(
            services.GetRequiredService<IOptions<HostMemdOptions>>(),
            services.GetRequiredService<CommandLine>(),
            services.GetRequiredService<Daemon>(),
            services.GetRequiredService<DaemonLog>(),
            services.GetRequiredService<SocketActivation>(),
            services.GetRequiredService<OwnedFiles>(),
            services.GetRequiredService<Notify>(),
            services.GetRequiredService<IHostApplicationLifetime>()));
    return builder.Build();
}
