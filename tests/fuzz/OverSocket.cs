using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using HostMemd.Linux;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Wire;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Fuzz;

/// <summary>
/// The built daemon and several clients on its socket, which split, attach descriptors, leave and half-leave at random; beside them a client
/// that does nothing wrong and is to notice nothing.
/// </summary>
static class OverSocket
{
    public static int Run(FuzzOptions options)
    {
        using var daemon = new DaemonUnderTest(options.FindDaemon());
        using var budget = new Budget(options);
        var failures = new ConcurrentQueue<string>();
        var good = new GoodClient(daemon);
        var usual = good.Usual();
        var before = ProcessCounts.Of(daemon.Pid);
        var workers = Enumerable.Range(0, Environment.ProcessorCount).Select(i => Start(() =>
        {
            using var worker = new Worker(daemon, budget, options.Connections, new Mutator(Seeds.Load(daemon.Folder), new Random(InProcess.HashCode(options.Seed, 100 + i)), slow: 150), failures);
            worker.Run();
        })).ToList();
        workers.Add(Start(() => good.Run(budget, usual, failures)));
        foreach (var worker in workers)
            worker.Join();
        if (failures.IsEmpty)
            Start(() => CheckLeft(daemon, before)).Join();
        Console.WriteLine($"fuzz: over sockets: {budget.Inputs} inputs in {budget.Elapsed.TotalSeconds:F1} s, {budget.Inputs / budget.Elapsed.TotalSeconds:F0}/s");
        Console.WriteLine($"fuzz: good client: {good.Asked} sequences, usually {usual.TotalMilliseconds:F2} ms each, under fire median {good.Median.TotalMilliseconds:F2} ms, slowest {good.Slowest.TotalMilliseconds:F1} ms");
        Console.WriteLine($"fuzz: before {before}");
        foreach (var error in daemon.Errors)
            failures.Enqueue("the daemon logged: " + error);
        if (daemon.HasExited || failures.Any(f => f.Contains("closed", StringComparison.Ordinal)) && daemon.Ends())
            failures.Enqueue("the daemon has ended, with status " + daemon.Status);
        else
            Console.WriteLine($"fuzz: after  {ProcessCounts.Of(daemon.Pid)}");
        foreach (var failure in failures)
            Console.WriteLine($"fuzz: BROKEN (seed {options.Seed}): {failure}");
        if (!failures.IsEmpty)
            Console.WriteLine(daemon.Tail);
        return failures.IsEmpty ? 0 : 1;

        Thread Start(Action work)
        {
            var thread = new Thread(() =>
            {
                try
                {
                    work();
                }
                catch (Exception broken)
                {
                    failures.Enqueue(broken is RuleBrokenException ? broken.Message : broken.ToString());
                }
            });
            thread.Start();
            return thread;
        }
    }

    static void CheckLeft(DaemonUnderTest daemon, ProcessCounts before)
    {
        // What clients left behind is being put away.
        var now = before;
        var objects = 0;
        var isClean = Polling.Until(() =>
        {
            using (var client = new PlainClient(daemon.Socket))
            {
                Janitor.Clean(client.Ask);
                objects = Janitor.Objects(client.Ask);
            }
            now = ProcessCounts.Of(daemon.Pid);
            // The pool's threads and the collector's mappings come and go.
            // Processes that memory was lent to are watched until they end: this one, and those the mutations hit.
            return now.Files - now.Watched <= before.Files && now.Backends == 0 && now.Threads <= before.Threads + 32 && now.Maps <= before.Maps + 400;
        }, TimeSpan.FromSeconds(40));
        if (!isClean)
            throw new RuleBrokenException(objects > 0 ? $"{objects} objects cannot be deleted"
                : $"left behind: before {before}, now {now}\n{ProcessCounts.Left(daemon.Pid)}");
    }

    /// <summary>Clients of one thread, one batch after the other.</summary>
    sealed class Worker(DaemonUnderTest daemon, Budget budget, int connections, Mutator mutator, ConcurrentQueue<string> failures) : IDisposable
    {
        static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

        readonly Random _random = mutator.Random;
        readonly Client?[] _clients = new Client?[connections];
        readonly SafeFileHandle _passed = File.OpenHandle("/dev/null", FileMode.Open, FileAccess.ReadWrite, FileShare.ReadWrite);

        public void Run()
        {
            while (!budget.IsSpent && failures.IsEmpty)
            {
                ref var client = ref _clients[_random.Next(connections)];
                client ??= new Client(daemon.Socket, _random);
                if (Step(client))
                    continue;
                client.Dispose();
                client = null;
                Replies.Forget(keep: 100_000);
            }
        }

        /// <summary>False when this client is done.</summary>
        bool Step(Client client)
        {
            var batch = new List<byte>();
            var count = _random.Next(1, 200);
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
            budget.Add(count);
            var end = _random.Next(100);
            if (end == 0)
            {
                // Gone in the middle, without a look at what came.
                client.Send(batch.ToArray().AsSpan(0, _random.Next(batch.Count)), _random, _passed, s_hang);
                return false;
            }
            var last = ++client.Sent;
            var ending = Encoding.ASCII.GetBytes($"\n\u0001\n{{\"execute\":\"query-name\",\"id\":\"{client.Replies.Id(last)}\"}}\n");
            client.Replies.Expect(last, ending);
            batch.AddRange(ending);
            client.Send(batch.ToArray(), _random, _passed, s_hang);
            if (end == 1)
            {
                client.HalfClose();
                client.ReadToEnd(s_hang);
                client.Replies.CheckComplete();
                return false;
            }
            client.ReadUntilAnswered(last, s_hang);
            client.Replies.CheckComplete();
            return true;
        }

        public void Dispose()
        {
            foreach (var client in _clients)
                client?.Dispose();
            _passed.Dispose();
        }
    }

    sealed class Client : IDisposable
    {
        readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        readonly ReceivedDescriptors _lent = new();
        readonly byte[] _buffer = new byte[64 << 10];
        bool _atEnd;

        public Client(string path, Random random)
        {
            Replies = new(random);
            _socket.Connect(new UnixDomainSocketEndPoint(path));
            // One in four does not wait for the greeting, one in eight wants the out-of-band lane.
            var outOfBand = random.Next(8) == 0;
            Replies.IsUnordered = outOfBand;
            Send(outOfBand ? "{\"execute\":\"qmp_capabilities\",\"arguments\":{\"enable\":[\"oob\"]}}"u8 : "{\"execute\":\"qmp_capabilities\"}"u8,
                random, null, TimeSpan.FromSeconds(60));
        }

        public Replies Replies { get; }
        public long Sent { get; set; }

        public void Send(ReadOnlySpan<byte> bytes, Random random, SafeFileHandle? passed, TimeSpan patience)
        {
            var limit = Stopwatch.StartNew();
            while (bytes.Length > 0)
            {
                var piece = random.Next(4) == 0 ? random.Next(1, Math.Min(bytes.Length, 64) + 1) : bytes.Length;
                var errno = FdPassing.Send(_socket.SafeHandle, bytes[..piece], random.Next(8) == 0 ? passed : null, out var sent);
                if (sent > 0)
                    bytes = bytes[sent..];
                else if (errno != Errno.EAGAIN)
                    throw new RuleBrokenException($"the daemon closed the connection of {Replies.Id(0)} ({errno})");
                else if (!Read() && limit.Elapsed > patience)
                    throw new RuleBrokenException("the daemon does not read any more");
                else if (errno == Errno.EAGAIN)
                    _socket.Poll(1000, SelectMode.SelectRead);
            }
        }

        /// <summary>Takes what is there; false when nothing was.</summary>
        bool Read()
        {
            var errno = FdPassing.Receive(_socket.SafeHandle, _buffer, _lent.Add, out var received);
            _lent.Forget(long.MaxValue);
            if (received <= 0)
            {
                _atEnd = errno != Errno.EAGAIN;
                return false;
            }
            Replies.Add(_buffer.AsSpan(0, received));
            return true;
        }

        public void ReadUntilAnswered(long number, TimeSpan patience)
        {
            for (var limit = Stopwatch.StartNew(); Replies.IsOpen(number);)
            {
                if (Read())
                    continue;
                if (_atEnd)
                    throw new RuleBrokenException("the daemon closed a connection");
                if (limit.Elapsed > patience)
                    throw new RuleBrokenException($"no answer to {Replies.Id(number)} in {patience.TotalSeconds} s");
                _socket.Poll(100_000, SelectMode.SelectRead);
            }
        }

        public void HalfClose() => _socket.Shutdown(SocketShutdown.Send);

        public void ReadToEnd(TimeSpan patience)
        {
            for (var limit = Stopwatch.StartNew(); !_atEnd;)
            {
                if (limit.Elapsed > patience)
                    throw new RuleBrokenException("the daemon keeps a half-closed connection open");
                if (!Read() && !_atEnd)
                    _socket.Poll(100_000, SelectMode.SelectRead);
            }
        }

        public void Dispose()
        {
            _socket.Dispose();
            _lent.Close();
        }
    }

    /// <summary>Does what a manager does, again and again, and measures.</summary>
    sealed class GoodClient(DaemonUnderTest daemon)
    {
        const int InputsBetween = 100;

        readonly List<TimeSpan> _times = [];
        int _number;

        public int Asked => _times.Count;
        public TimeSpan Slowest => _times.Count == 0 ? default : _times.Max();
        public TimeSpan Median => Middle(_times);

        static TimeSpan Middle(List<TimeSpan> times) => times.Count == 0 ? default : times.Order().ElementAt(times.Count / 2);

        public TimeSpan Usual()
        {
            using var client = new PlainClient(daemon.Socket);
            var times = new List<TimeSpan>();
            for (var i = 0; i < 50; i++)
                times.Add(Once(client));
            return Middle(times);
        }

        public void Run(Budget budget, TimeSpan usual, ConcurrentQueue<string> failures)
        {
            // Far above the usual: the machine may be busy with others. A daemon that stands still is what this finds.
            var most = TimeSpan.FromSeconds(10) + usual * 100;
            using var client = new PlainClient(daemon.Socket);
            var cleaned = Stopwatch.StartNew();
            while (!budget.IsSpent && failures.IsEmpty)
            {
                var time = Once(client);
                _times.Add(time);
                if (time > most)
                    throw new RuleBrokenException($"the good client waited {time.TotalSeconds:F1} s");
                if (cleaned.Elapsed.TotalSeconds > 1)
                {
                    Janitor.Clean(client.Ask);
                    cleaned.Restart();
                }
                // The processors are for those who throw.
                var thrown = budget.Inputs + InputsBetween;
                Polling.Until(() => budget.Inputs >= thrown || budget.IsSpent || !failures.IsEmpty, most);
            }
        }

        TimeSpan Once(PlainClient client)
        {
            var id = $"good-{++_number}";
            var time = Stopwatch.StartNew();
            var added = client.Ask($$$"""{"execute":"object-add","arguments":{"qom-type":"memory-backend-memfd","id":"{{{id}}}","size":65536}}""");
            if (added.TryGetProperty("error", out var error) && error.GetProperty("desc").GetString()!.EndsWith("is reached", StringComparison.Ordinal))
                return time.Elapsed;
            Expect(added, "{}");
            Expect(client.Ask($$$"""{"execute":"qom-get","arguments":{"path":"/objects/{{{id}}}","property":"size"}}"""), "65536");
            Expect(client.Ask($$$"""{"execute":"object-del","arguments":{"id":"{{{id}}}"}}"""), "{}");
            return time.Elapsed;
        }

        static void Expect(JsonElement reply, string result)
        {
            if (!reply.TryGetProperty("return", out var got) || got.GetRawText() != result)
                throw new RuleBrokenException($"the good client was answered {reply}");
        }
    }
}
