using BenchmarkDotNet.Attributes;
using HostMemd.Protocol.Contract;
using HostMemd.Protocol.Qmp;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Micro;

/// <summary>From a command's name to the command, among as many as the daemon has.</summary>
public class LookupBenchmarks
{
    readonly CommandTable _table = new();
    Value _message;

    [GlobalSetup]
    public void Prepare()
    {
        for (var i = 0; i < 40; i++)
            _table.Add([Define.Command($"query-number-{i}", "", QapiTypes.Int, _ => 1L)]);
        _table.Add([Define.Command("qom-get", "", QapiTypes.Int, _ => 1L)]);
        var text = new System.Buffers.ReadOnlySequence<byte>("""{"execute":"qom-get","arguments":{"path":"/objects/ram0"},"id":7}"""u8.ToArray());
        new JsonReader(new()).TryRead(ref text, out var message);
        _message = message.Value;
    }

    [Benchmark(Description = "find a command")]
    public Command Find() => _table.Find("qom-get");

    [Benchmark(Description = "read the envelope")]
    public string Envelope()
    {
        Request.Read(_message, outOfBandEnabled: false, 0, out var request);
        return request.Command;
    }
}
