using System.Text;
using FsCheck;
using FsCheck.Fluent;
using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using static HostMemd.Unit.Qapi.Json.Reading;

namespace HostMemd.Unit.Qapi.Json;

public class JsonReaderProperties
{
    const string Good = "{\"execute\": \"query-memdev\", \"id\": \"ping\"}";

    static readonly string[] s_fragments =
    [
        "{", "}", "[", "]", ",", ":", " ", "\t", "\n", "\r", "'a'", "\"a\":", "{\"a\":1}", "0", "-", "1.5e3", "true", "foo", "T",
        "@", "\\", "\"", "'", "\0", "\u0001", "\u007F", "\u00C3\u00A9", "\u00C0\u0080", "\u00FF",
        "\u00EF\u00BB\u00BF", "'\\ud83d'", "'\\u12'", Good,
    ];

    static readonly Gen<string> s_bytes = Gen.Choose(0, 255).Select(b => ((char)b).ToString());
    static readonly Arbitrary<string> s_garbage =
        Gen.OneOf(s_bytes, Gen.Elements(s_fragments)).ListOf().Select(string.Concat).ToArbitrary();

    static void Quickly<T>(Arbitrary<T> inputs, Func<T, bool> holds) =>
        Prop.ForAll(inputs, holds).Check(FsCheck.Config.QuickThrowOnFailure.WithMaxTest(2000));

    [Fact]
    public void AnyGarbage_ThenControlByte_ThenGoodCommand_IsRead() =>
        Quickly(s_garbage, garbage => Read(garbage + "\u0001\n" + Good).LastOrDefault() == Good);

    [Fact]
    public void AnyGarbage_InAnySplit_IsTheSame() => Quickly(
        (from garbage in s_garbage.Generator from size in Gen.Choose(1, 7) select (garbage, size)).ToArbitrary(),
        input => Read(input.garbage).SequenceEqual(Read(new JsonReader(new()), [.. Bytes(input.garbage).Chunk(input.size)])));

    [Fact]
    public void AnyMutationOfGoodCommand_IsReportedNotThrown() => Quickly(
        (from at in Gen.Choose(0, Good.Length - 1)
         from put in s_bytes
         from cut in Gen.Choose(0, 3)
         select Good[..at] + put + Good[Math.Min(Good.Length, at + cut)..]).ToArbitrary(),
        mutant => Read(mutant + "\u0001").Length > 0);

    static readonly Gen<string> s_texts = Gen.OneOf(
            Gen.Choose(0, 0x7F), Gen.Choose(0, 0xFFFF), Gen.Choose(0x10000, 0x10FFFF), Gen.Elements(0, '"', '\\', '\'', '/', 0x7F, 0xFFFD))
        .Where(ModifiedUtf8.IsCharacter).Select(char.ConvertFromUtf32).ListOf().Select(string.Concat);

    static Gen<Value> Scalars() => Gen.OneOf(
        Gen.Constant(Value.Null),
        Gen.Elements(true, false).Select(Value.From),
        ArbMap.Default.GeneratorFor<long>().Select(Value.From),
        ArbMap.Default.GeneratorFor<ulong>().Select(u => Value.From(u | 1UL << 63)),
        // QEMU prints a whole double like an integer, so those come back as one.
        ArbMap.Default.GeneratorFor<double>().Where(d => double.IsFinite(d) && d != Math.Floor(d)).Select(Value.From),
        s_texts.Select(Value.From));

    static Gen<Value> Values(int depth) => depth == 0
        ? Scalars()
        : Gen.Frequency(
            (2, Scalars()),
            (1, Values(depth - 1).ListOf().Resize(5).Select(items => Value.From(items.ToArray()))),
            (1, (from name in s_texts from value in Values(depth - 1) select (name, value)).ListOf().Resize(5).Select(Object)));

    static Value Object(IEnumerable<(string Name, Value Value)> members)
    {
        var result = new Members();
        foreach (var (name, value) in members)
            result.TryAdd(name, value);
        return Value.From(result);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void AnyValue_WrittenAndRead_IsTheSame(bool pretty) => Quickly(Values(4).ToArbitrary(), value =>
    {
        var text = Encoding.ASCII.GetBytes(JsonWriter.ToText(value, pretty) + "\n");
        var buffer = new System.Buffers.ReadOnlySequence<byte>(text);
        return new JsonReader(new()).TryRead(ref buffer, out var result) && result.Error is null && result.Value == value;
    });
}
