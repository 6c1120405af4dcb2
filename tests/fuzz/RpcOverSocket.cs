using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace HostMemd.Fuzz;

/// <summary>
/// The JSON-RPC socket of the built daemon under mutated requests, in both framings, in batches, with cancels, half closed and gone in the
/// middle. Three rules: what is one request is answered once, with its id; what stands in a whole frame ends no connection; and a
/// connection whose framing was broken takes nobody with it.
/// </summary>
static class RpcOverSocket
{
    public static int Run(FuzzOptions options)
    {
        using var daemon = new DaemonUnderTest(options.FindDaemon());
        using var budget = new Budget(options);
        var failures = new ConcurrentQueue<string>();
        var before = ProcessCounts.Of(daemon.Pid);
        var workers = Enumerable.Range(0, Environment.ProcessorCount).Select(i => new Thread(() =>
        {
            try
            {
                var random = new Random(InProcess.HashCode(options.Seed, 200 + i));
                new Worker(daemon, budget, new Mutator(Seeds.Load(daemon.Folder), random, slow: 100)).Run(failures);
            }
            catch (Exception broken)
            {
                failures.Enqueue(broken is RuleBrokenException ? broken.Message : broken.ToString());
            }
        })).ToArray();
        foreach (var worker in workers)
            worker.Start();
        foreach (var worker in workers)
            worker.Join();
        if (failures.IsEmpty && !IsClean(daemon, before))
            failures.Enqueue($"left behind: before {before}, now {ProcessCounts.Of(daemon.Pid)}\n{ProcessCounts.Left(daemon.Pid)}");
        foreach (var error in daemon.Errors)
            failures.Enqueue("the daemon logged: " + error);
        Console.WriteLine($"fuzz: JSON-RPC: {budget.Inputs} inputs in {budget.Elapsed.TotalSeconds:F1} s, "
            + $"{budget.Inputs / budget.Elapsed.TotalSeconds:F0}/s");
        foreach (var failure in failures)
            Console.WriteLine($"fuzz: BROKEN (seed {options.Seed}): {failure}");
        if (!failures.IsEmpty)
            Console.WriteLine(daemon.Tail);
        return failures.IsEmpty ? 0 : 1;
    }

    static bool IsClean(DaemonUnderTest daemon, ProcessCounts before) => Polling.Until(() =>
    {
        using (var client = new PlainClient(daemon.Socket))
            Janitor.Clean(client.Ask);
        var now = ProcessCounts.Of(daemon.Pid);
        return now.Files - now.Watched <= before.Files && now.Backends == 0 && now.Threads <= before.Threads + 32;
    }, TimeSpan.FromSeconds(40));

    sealed class Worker(DaemonUnderTest daemon, Budget budget, Mutator mutator)
    {
        static readonly TimeSpan s_hang = TimeSpan.FromSeconds(60);

        readonly Random _random = mutator.Random;
        int _number;

        public void Run(ConcurrentQueue<string> failures)
        {
            while (!budget.IsSpent && failures.IsEmpty)
            {
                using var client = new Client(daemon.RpcSocket, headers: _random.Next(2) == 0, _random);
                var rounds = _random.Next(1, 20);
                for (var round = 0; round < rounds && failures.IsEmpty; round++)
                {
                    if (!Step(client))
                        break;
                }
            }
        }

        /// <summary>False when this client is done.</summary>
        bool Step(Client client)
        {
            var expected = new HashSet<string>();
            var text = new List<byte>();
            var count = _random.Next(1, 40);
            for (var i = 0; i < count; i++)
                text.AddRange(client.Frame(Message(expected)));
            budget.Add(count);
            switch (_random.Next(60))
            {
                case 0:
                    // Gone in the middle.
                    client.Send(text.ToArray().AsSpan(0, _random.Next(text.Count)));
                    return false;
                case 1:
                    client.Send(text.ToArray());
                    client.HalfClose();
                    client.ReadToEnd(s_hang);
                    Check(client, expected);
                    return false;
                case 2:
                    // The framing itself: the daemon may close this connection, and only this.
                    Break(text);
                    client.TrySend(text.ToArray());
                    client.HalfClose();
                    client.ReadToEnd(s_hang);
                    return false;
                default:
                    client.Send(text.ToArray());
                    client.ReadUntil(expected, s_hang);
                    Check(client, expected);
                    return true;
            }
        }

        static void Check(Client client, HashSet<string> expected)
        {
            var missing = expected.Where(id => !client.Answered.ContainsKey(id)).ToArray();
            if (missing.Length > 0)
                throw new RuleBrokenException($"not answered: {string.Join(' ', missing)}");
            if (client.Answered.FirstOrDefault(a => a.Value > 1) is { Key: not null } twice)
                throw new RuleBrokenException($"answered {twice.Value} times: {twice.Key}");
            client.Answered.Clear();
        }

        void Break(List<byte> text)
        {
            for (var n = _random.Next(1, 10); n > 0; n--)
                text.Insert(_random.Next(text.Count), (byte)_random.Next(256));
        }

        /// <summary>One message; ids that must be answered are added.</summary>
        byte[] Message(HashSet<string> expected)
        {
            switch (_random.Next(12))
            {
                case 0:
                    return Encoding.ASCII.GetBytes(
                        $"{{\"jsonrpc\":\"2.0\",\"method\":\"$/cancelRequest\",\"params\":{{\"id\":\"{_number}\"}}}}");
                case 1:
                    var batch = Enumerable.Range(0, _random.Next(1, 8)).Select(_ => Encoding.Latin1.GetString(Request(expected))).ToArray();
                    return Encoding.Latin1.GetBytes($"[{string.Join(',', batch)}]");
                case 2:
                    // Anything but the line's end, which would make two of it.
                    var junk = mutator.Next("junk").Bytes.Where(b => b is not (byte)'\n').ToArray();
                    return Seeds.IsLeftOut(Encoding.Latin1.GetString(junk)) ? [(byte)'5'] : junk;
                default:
                    return Request(expected);
            }
        }

        byte[] Request(HashSet<string> expected)
        {
            while (true)
            {
                var id = $"{++_number}";
                if (FromQmp(mutator.Next(id), id) is not { } text)
                    continue;
                if (_random.Next(10) > 0)
                    expected.Add(id);
                else
                    text = text.Replace($"\"id\":\"{id}\",", "", StringComparison.Ordinal);
                return Encoding.Latin1.GetBytes(text);
            }
        }

        /// <summary>The same request in JSON-RPC's envelope; null if it is none.</summary>
        string? FromQmp(Input input, string id)
        {
            var text = Encoding.Latin1.GetString(input.Bytes);
            if (!input.IsWhole || Seeds.IsLeftOut(text))
                return null;
            try
            {
                if (JsonNode.Parse(text, documentOptions: new() { MaxDepth = 900 }) is not JsonObject request
                    || request["execute"] is not JsonValue name || name.GetValueKind() != JsonValueKind.String)
                    return null;
                var arguments = request["arguments"] is JsonObject given ? given.ToJsonString() : null;
                var byPosition = arguments is not null && _random.Next(8) == 0;
                if (byPosition)
                    arguments = $"[{string.Join(',', request["arguments"]!.AsObject().Select(m => m.Value?.ToJsonString() ?? "null"))}]";
                else if (arguments is ['{', not '}', ..] && _random.Next(8) == 0)
                    arguments = "{\"$progress\":1," + arguments[1..];
                var parameters = arguments is null ? "" : ",\"params\":" + arguments;
                return $"{{\"jsonrpc\":\"2.0\",\"id\":\"{id}\",\"method\":{name.ToJsonString()}{parameters}}}";
            }
            catch (Exception broken) when (broken is JsonException or ArgumentException or InvalidOperationException)
            {
                return null;
            }
        }
    }

    sealed class Client : IDisposable
    {
        readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        readonly bool _headers;
        readonly Random _random;
        readonly byte[] _piece = new byte[64 << 10];
        readonly List<byte> _received = [];
        bool _atEnd;

        public Client(string path, bool headers, Random random)
        {
            (_headers, _random) = (headers, random);
            _socket.Connect(new UnixDomainSocketEndPoint(path));
            _socket.Blocking = false;
            // The first byte decides on the framing.
            Send(Frame("""{"jsonrpc":"2.0","method":"query-name"}"""u8.ToArray()));
        }

        /// <summary>How often each id was answered.</summary>
        public Dictionary<string, int> Answered { get; } = [];

        public byte[] Frame(byte[] message) => _headers
            ? [.. Encoding.ASCII.GetBytes($"Content-Length: {message.Length}\r\n\r\n"), .. message]
            : [.. message.Where(b => b != (byte)'\n'), (byte)'\n'];

        public void Send(ReadOnlySpan<byte> bytes)
        {
            if (!TrySend(bytes))
                throw new RuleBrokenException("the daemon closed a connection whose framing was whole");
        }

        /// <summary>False if the daemon has closed the connection.</summary>
        public bool TrySend(ReadOnlySpan<byte> bytes)
        {
            var limit = Stopwatch.StartNew();
            while (bytes.Length > 0)
            {
                var piece = _random.Next(4) == 0 ? _random.Next(1, Math.Min(bytes.Length, 64) + 1) : bytes.Length;
                var sent = _socket.Send(bytes[..piece], SocketFlags.None, out var error);
                if (error is not (SocketError.Success or SocketError.WouldBlock))
                    return false;
                bytes = bytes[Math.Max(0, sent)..];
                Read();
                if (sent <= 0)
                    _socket.Poll(1000, SelectMode.SelectWrite);
                if (limit.Elapsed > TimeSpan.FromSeconds(60))
                    throw new RuleBrokenException("the daemon does not read any more");
            }
            return true;
        }

        public void HalfClose()
        {
            try
            {
                _socket.Shutdown(SocketShutdown.Send);
            }
            catch (SocketException)
            {
                // The daemon was first.
            }
        }

        public void ReadUntil(HashSet<string> expected, TimeSpan patience)
        {
            for (var limit = Stopwatch.StartNew(); expected.Any(id => !Answered.ContainsKey(id));)
            {
                if (Read())
                    continue;
                if (_atEnd)
                    throw new RuleBrokenException("the daemon closed a connection whose framing was whole");
                if (limit.Elapsed > patience)
                    return;
                _socket.Poll(100_000, SelectMode.SelectRead);
            }
        }

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

        bool Read()
        {
            var received = _socket.Receive(_piece, SocketFlags.None, out var error);
            if (error == SocketError.WouldBlock)
                return false;
            _atEnd |= received <= 0 || error != SocketError.Success;
            if (_atEnd)
                return false;
            _received.AddRange(_piece.AsSpan(0, received));
            Cut();
            return true;
        }

        void Cut()
        {
            var span = System.Runtime.InteropServices.CollectionsMarshal.AsSpan(_received);
            var at = 0;
            while (true)
            {
                var rest = span[at..];
                int start, length;
                if (_headers)
                {
                    var blank = rest.IndexOf("\r\n\r\n"u8);
                    if (blank < 0)
                        break;
                    start = blank + 4;
                    length = int.Parse(Encoding.ASCII.GetString(rest["Content-Length: ".Length..blank]));
                    if (rest.Length < start + length)
                        break;
                }
                else
                {
                    (start, length) = (0, rest.IndexOf((byte)'\n'));
                    if (length < 0)
                        break;
                }
                Take(rest.Slice(start, length));
                at += start + length + (_headers ? 0 : 1);
            }
            _received.RemoveRange(0, at);
        }

        void Take(ReadOnlySpan<byte> message)
        {
            using var document = JsonDocument.Parse(Encoding.UTF8.GetString(message), new() { MaxDepth = 1200 });
            var root = document.RootElement;
            foreach (var reply in root.ValueKind == JsonValueKind.Array ? [.. root.EnumerateArray()] : new[] { root })
            {
                if (reply.TryGetProperty("method", out _))
                    continue;
                if (reply.TryGetProperty("result", out _) == reply.TryGetProperty("error", out var error))
                    throw new RuleBrokenException($"neither result nor error, or both: {reply}");
                if (error.ValueKind == JsonValueKind.Object && error.GetProperty("code").GetInt32() == -32603)
                    throw new RuleBrokenException($"a bug was answered: {reply}");
                if (reply.GetProperty("id") is { ValueKind: JsonValueKind.String } id && id.GetString() != "junk")
                {
                    var name = id.GetString()!;
                    Answered[name] = Answered.GetValueOrDefault(name) + 1;
                }
            }
        }

        public void Dispose() => _socket.Dispose();
    }
}
