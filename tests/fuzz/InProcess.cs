using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using HostMemd.Config;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Qmp;
using HostMemd.Protocol.Wire;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using Microsoft.Extensions.Logging;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Fuzz;

/// <summary>
/// Clients without sockets: bytes in any split go through the reader, the session and the dispatcher of a whole daemon in this process. A
/// thread for each CPU, each with several clients, all on the same objects.
/// </summary>
static class InProcess
{
    static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

    public static int Run(FuzzOptions options)
    {
        var folder = Directory.CreateTempSubdirectory("hostmemd-fuzz-").FullName;
        var log = new ErrorLog();
        var daemon = new Daemon(new HostMemdOptions
        {
            Limits = LimitValues.Default.With("Objects", 300).With("BytesTotal", 64 << 20).With("FillThreads", 1),
            Access = new AccessOptions { MemPaths = [folder] },
        }, log);
        using var budget = new Budget(options);
        var failures = new ConcurrentQueue<string>();
        var files = ProcessCounts.Of(Environment.ProcessId).Files;
        var threads = Enumerable.Range(0, 2 * Environment.ProcessorCount).Select(i => new Thread(() =>
        {
            try
            {
                new Worker(daemon, budget, new Mutator(Seeds.Load(folder), new Random(HashCode(options.Seed, i)), slow: 8), log, failures).Run();
            }
            catch (Exception broken)
            {
                failures.Enqueue(broken is RuleBrokenException ? broken.Message : broken.ToString());
            }
        })).ToArray();
        foreach (var thread in threads)
            thread.Start();
        foreach (var thread in threads)
            thread.Join();
        daemon.StopAsync().GetAwaiter().GetResult();
        CheckLeft(files, failures);
        Directory.Delete(folder, recursive: true);
        Console.WriteLine($"fuzz: in process: {budget.Inputs} inputs in {budget.Elapsed.TotalSeconds:F1} s, {budget.Inputs / budget.Elapsed.TotalSeconds:F0}/s");
        foreach (var failure in failures)
            Console.WriteLine($"fuzz: BROKEN (seed {options.Seed}): {failure}");
        return failures.IsEmpty ? 0 : 1;
    }

    internal static int HashCode(ulong seed, int part) => unchecked((int)(seed ^ (seed >> 32)) * 397 ^ part * 7919);

    static void CheckLeft(int files, ConcurrentQueue<string> failures)
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        var counts = ProcessCounts.Of(Environment.ProcessId);
        if (counts.Backends > 0)
            failures.Enqueue($"{counts.Backends} mappings of memory are left:\n{ProcessCounts.Left(Environment.ProcessId)}");
        // Leases of this very process are watched until it ends.
        if (counts.Files > files + 8)
            failures.Enqueue($"{files} descriptors before, {counts.Files} after:\n{ProcessCounts.Left(Environment.ProcessId)}");
    }

    /// <summary>Every line of level error is a bug of ours that was caught somewhere.</summary>
    sealed class ErrorLog : ILoggerFactory, ILogger
    {
        public ConcurrentQueue<string> Errors { get; } = new();

        public ILogger CreateLogger(string categoryName) => this;
        public void AddProvider(ILoggerProvider provider) { }
        public void Dispose() { }
        public IDisposable? BeginScope<TState>(TState state) where TState : notnull => null;
        public bool IsEnabled(LogLevel logLevel) => logLevel >= LogLevel.Error;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?, string> formatter)
        {
            if (IsEnabled(logLevel))
                Errors.Enqueue(formatter(state, exception) + " " + exception);
        }
    }

    sealed class Client
    {
        static readonly WireLimits s_limits = new() { RequestBytes = new("RequestBytes", 4 << 20) };

        readonly JsonReader _reader = new(new JsonLimits { RequestBytes = s_limits.RequestBytes });
        readonly Output _output = new(pretty: false, long.MaxValue);
        readonly Session _session;

        public Client(CommandRunner run, Random random)
        {
            _session = new Session(_output, new PeerCredentials(Environment.ProcessId, 0, 0), run, s_limits);
            Replies = new(random);
            Feed("{\"execute\":\"qmp_capabilities\"}"u8.ToArray());
        }

        public Replies Replies { get; }
        public long Sent { get; set; }
        public bool IsEnding => _session.IsEnding;

        public void Attach() =>
            _session.Descriptors.Add([File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite)]);

        public void Feed(ReadOnlyMemory<byte> bytes)
        {
            var buffer = new ReadOnlySequence<byte>(bytes);
            while (!_session.IsEnding && _reader.TryRead(ref buffer, out var message))
            {
                var done = _session.ReceiveAsync(message);
                if (!done.IsCompletedSuccessfully)
                    Wait(done.AsTask());
                else if (!_session.OutOfBandEnabled)
                    JsonReader.Recycle(message.Value);
            }
            Replies.IsUnordered |= _session.OutOfBandEnabled;
        }

        static void Wait(Task task)
        {
            if (!task.Wait(s_hang))
                throw new RuleBrokenException("a command does not end");
        }

        public void Collect()
        {
            Wait(_session.Idle);
            _output.Flush();
            while (_output.Reader.TryRead(out var read) && read.Buffer.Length > 0)
            {
                foreach (var segment in read.Buffer)
                    Replies.Add(segment.Span);
                _output.Sent(read.Buffer.Length);
                _output.Reader.AdvanceTo(read.Buffer.End);
            }
            _output.DropDescriptors();
        }

        public void Close()
        {
            _session.IsGone = true;
            Wait(_session.Idle);
            _session.Descriptors.Close();
            _session.Named.Close();
            _output.Complete();
            _output.DropDescriptors();
            _output.Reader.Complete();
        }
    }

    sealed class Worker(Daemon daemon, Budget budget, Mutator mutator, ErrorLog log, ConcurrentQueue<string> failures)
    {
        const int Clients = 8;
        const int CleanEvery = 1000;

        readonly Random _random = mutator.Random;
        readonly JsonReader _parser = new(new JsonLimits());

        public void Run()
        {
            var clients = new Client[Clients];
            for (var round = 0; !budget.IsSpent && failures.IsEmpty; round++)
            {
                ref var client = ref clients[_random.Next(Clients)];
                if (client is null || client.IsEnding || _random.Next(50) == 0)
                {
                    client?.Close();
                    client = new(daemon.Runner, _random);
                    Replies.Forget(keep: 100_000);
                }
                Step(client);
                if (log.Errors.TryDequeue(out var error))
                    throw new RuleBrokenException(error);
                if (round % CleanEvery == 0)
                    Janitor.Clean(Ask);
            }
            foreach (var client in clients)
                client?.Close();
            Janitor.Clean(Ask);
        }

        void Step(Client client)
        {
            var count = _random.Next(1, 64);
            var batch = new List<byte>();
            var isWhole = true;
            for (var i = 0; i < count; i++)
            {
                var number = ++client.Sent;
                var input = mutator.Next(client.Replies.Id(number));
                if (Seeds.IsLeftOut(Encoding.Latin1.GetString(input.Bytes)))
                    continue;
                isWhole &= input.IsWhole;
                if (input.IsWhole)
                    client.Replies.Expect(number, input.Bytes);
                batch.AddRange(input.Bytes);
            }
            client.Replies.MayMiss = !isWhole;
            batch.AddRange("\n\u0001\n"u8);
            var bytes = batch.ToArray().AsMemory();
            while (bytes.Length > 0)
            {
                var piece = _random.Next(4) == 0 ? _random.Next(1, Math.Min(bytes.Length, 40) + 1) : bytes.Length;
                if (_random.Next(10) == 0)
                    client.Attach();
                client.Feed(bytes[..piece]);
                bytes = bytes[piece..];
            }
            client.Collect();
            client.Replies.CheckComplete();
            budget.Add(count);
        }

        JsonElement Ask(string request)
        {
            var buffer = new ReadOnlySequence<byte>(Encoding.UTF8.GetBytes(request));
            _parser.TryRead(ref buffer, out var message);
            var output = new Output(pretty: false, long.MaxValue);
            var session = new Session(output, new PeerCredentials(Environment.ProcessId, 0, 0), daemon.Runner, new WireLimits());
            session.Negotiate(outOfBand: false);
            session.ReceiveAsync(message).AsTask().Wait(s_hang);
            output.Flush();
            output.Reader.TryRead(out var read);
            using var reply = JsonDocument.Parse(read.Buffer, new JsonDocumentOptions { MaxDepth = 1200 });
            return reply.RootElement.Clone();
        }
    }
}
