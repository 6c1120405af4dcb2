using HostMemd.Qapi;

namespace HostMemd.Unit;

public class NumbersTests
{
    // backends.md § 3.4 and qmp.md § 10.
    [Theory]
    [InlineData("4096", 4096ul)]
    [InlineData("0", 0ul)]
    [InlineData("0x1000", 4096ul)]
    [InlineData("10b", 10ul)]
    [InlineData("4k", 4096ul)]
    [InlineData("1K", 1024ul)]
    [InlineData("1M", 1ul << 20)]
    [InlineData("1.5M", 1572864ul)]
    [InlineData("1G", 1ul << 30)]
    [InlineData("1T", 1ul << 40)]
    [InlineData("1P", 1ul << 50)]
    [InlineData("15E", 15ul << 60)]
    [InlineData("18446744073709551615", ulong.MaxValue)]
    public void Size_WithAndWithoutSuffix_IsRead(string text, ulong bytes)
    {
        Assert.True(Numbers.TryParseSize(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("1.5")]
    [InlineData("-1")]
    [InlineData("1Q")]
    [InlineData("16E")]
    [InlineData("M")]
    [InlineData("1 M")]
    [InlineData("1MM")]
    [InlineData("18446744073709551616")]
    public void Size_ThatIsNone_IsRefused(string text) => Assert.False(Numbers.TryParseSize(text, out _));

    [Theory]
    [InlineData("0x2", 2ul)]
    [InlineData("010", 8ul)]
    [InlineData("7", 7ul)]
    public void Unsigned_IsReadAsStrtoullDoesWithBase0(string text, ulong expected)
    {
        Assert.True(Numbers.TryParseUInt(text, out var number));
        Assert.Equal(expected, number);
    }

    [Theory]
    [InlineData("-9223372036854775808", long.MinValue)]
    [InlineData("9223372036854775807", long.MaxValue)]
    public void Signed_HasItsWholeRange(string text, long expected)
    {
        Assert.True(Numbers.TryParseInt(text, out var number));
        Assert.Equal(expected, number);
    }

    [Theory]
    [InlineData("9223372036854775808")]
    [InlineData("-9223372036854775809")]
    [InlineData("08")]
    public void Signed_OutsideItsRange_IsRefused(string text) => Assert.False(Numbers.TryParseInt(text, out _));
}
