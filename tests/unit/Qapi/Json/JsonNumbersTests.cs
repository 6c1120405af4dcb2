using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using static HostMemd.Unit.Qapi.Json.Reading;

namespace HostMemd.Unit.Qapi.Json;

public class JsonNumbersTests
{
    static Value One(string number)
    {
        var buffer = new System.Buffers.ReadOnlySequence<byte>(Bytes(number + "\n"));
        Assert.True(new JsonReader(new()).TryRead(ref buffer, out var result));
        return result.Value;
    }

    [Theory]
    [InlineData("0", 0)]
    [InlineData("-0", 0)]
    [InlineData("12", 12)]
    [InlineData("9223372036854775807", long.MaxValue)]
    [InlineData("-9223372036854775808", long.MinValue)]
    public void Integer_InRange_IsSigned(string text, long expected) => Assert.Equal(Value.From(expected), One(text));

    [Theory]
    [InlineData("9223372036854775808", 1UL << 63)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    public void Integer_AboveSigned_IsUnsigned(string text, ulong expected) => Assert.Equal(Value.From(expected), One(text));

    [Theory]
    [InlineData("18446744073709551616", 18446744073709551616d)]
    [InlineData("-9223372036854775809", -9223372036854775809d)]
    [InlineData("4096.0", 4096d)]
    [InlineData("-0.0", -0d)]
    [InlineData("0.0e1", 0d)]
    [InlineData("1e3", 1000d)]
    [InlineData("1E+3", 1000d)]
    [InlineData("25e-1", 2.5)]
    [InlineData("1e400", double.PositiveInfinity)]
    [InlineData("-1e400", double.NegativeInfinity)]
    [InlineData("1e-400", 0d)]
    [InlineData("1e99999999999999999999", double.PositiveInfinity)]
    [InlineData("1e-99999999999999999999", 0d)]
    public void OtherNumber_IsDouble(string text, double expected) => Assert.Equal(Value.From(expected), One(text));

    [Theory]
    [InlineData("[10,-3,0,1.5,0.5e2,20e1]", "[10, -3, 0, 1.5, 50, 200]")]
    [InlineData("{\"a\":-12}", "{\"a\": -12}")]
    [InlineData("1.25e-2 ", "0.012500000000000001")]
    public void Number_AcrossPieces_IsWhole(string input, string expected) => Check(input, [expected]);
}
