using System.Buffers;
using BenchmarkDotNet.Attributes;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;

namespace HostMemd.Micro;

/// <summary>A client's commonest request read, its commonest replies written; nothing but the time and the bytes of that.</summary>
public class JsonBenchmarks
{
    static readonly ReadOnlySequence<byte> s_get =
        new("""{"execute":"qom-get","arguments":{"path":"/objects/ram0","property":"size"}}"""u8.ToArray());
    static readonly ReadOnlySequence<byte> s_add = new(
        """{"execute":"object-add","arguments":{"qom-type":"memory-backend-memfd","id":"ram0","size":2097152,"merge":false,"host-nodes":[0]},"id":7}"""u8
            .ToArray());

    readonly JsonReader _reader = new(new());
    readonly ArrayBufferWriter<byte> _output = new(1 << 20);
    Value _size, _memdevs;

    [GlobalSetup]
    public void Prepare()
    {
        _size = Value.Object(("return", Value.From(2097152L)));
        var memdev = Value.Object(("id", Value.From("ram0")), ("size", Value.From(2097152L)), ("merge", Value.From(true)),
            ("dump", Value.From(true)), ("prealloc", Value.From(false)), ("share", Value.From(true)), ("reserve", Value.From(true)),
            ("host-nodes", Value.From(Array.Empty<Value>())), ("policy", Value.From("default")));
        _memdevs = Value.Object(("return", Value.From(Enumerable.Repeat(memdev, 1000).ToArray())));
    }

    [Benchmark(Description = "read qom-get")]
    public void ReadGet() => Read(s_get);

    [Benchmark(Description = "read object-add")]
    public void ReadAdd() => Read(s_add);

    [Benchmark(Description = "write an integer's reply")]
    public void WriteSize() => Write(_size);

    [Benchmark(Description = "write query-memdev, 1000 objects")]
    public void WriteMemdevs() => Write(_memdevs);

    void Read(ReadOnlySequence<byte> bytes)
    {
        _reader.TryRead(ref bytes, out var message);
        JsonReader.Recycle(message.Value);
    }

    void Write(Value value)
    {
        _output.ResetWrittenCount();
        JsonWriter.Write(_output, value);
    }
}
