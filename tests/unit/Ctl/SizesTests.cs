using HostMemd.Ctl;
using HostMemd.Ctl.Screen;

namespace HostMemd.Unit.Ctl;

public sealed class SizesTests
{
    [Theory]
    [InlineData(0, "0B")]
    [InlineData(1023, "1023B")]
    [InlineData(1024, "1K")]
    [InlineData(4096, "4K")]
    [InlineData(1536, "1.5K")]
    [InlineData((1 << 20) - 1, "1M")]
    [InlineData(1 << 30, "1G")]
    [InlineData(2405181685, "2.24G")]
    [InlineData(3758096384, "3.5G")]
    [InlineData(521142272, "497M")]
    [InlineData(1099511627775, "1T")]
    [InlineData(ulong.MaxValue, "16E")]
    public void Text_HasThreeDigits(ulong bytes, string text) => Assert.Equal(text, Sizes.Text(bytes));

    [Theory]
    [InlineData("4G", 4ul << 30)]
    [InlineData("0x1000", 4096)]
    [InlineData("1.5M", 3 << 19)]
    public void Parse_TakesPowers(string text, ulong bytes) => Assert.Equal(bytes, Sizes.Parse(text));

    [Theory]
    [InlineData("4Q")]
    [InlineData("-1")]
    [InlineData("")]
    public void Parse_SaysWhatASizeIs(string text) =>
        Assert.Equal($"'{text}' is no size: 4096, 512M and 4G are", Assert.Throws<CtlException>(() => Sizes.Parse(text)).Message);

    [Theory]
    [InlineData(0, 10, 0)]
    [InlineData(999, 1000, 99)]
    [InlineData(10, 10, 100)]
    [InlineData(20, 10, 100)]
    [InlineData(0, 0, 100)]
    [InlineData(ulong.MaxValue - 1, ulong.MaxValue, 99)]
    public void Percent_IsAllOnlyWhenAllIsThere(ulong part, ulong whole, int percent) => Assert.Equal(percent, Sizes.Percent(part, whole));

    [Theory]
    [InlineData(100, 100, "0s")]
    [InlineData(200, 100, "0s")]
    [InlineData(0, 59, "59s")]
    [InlineData(0, 60, "1m")]
    [InlineData(0, 7200, "2h")]
    [InlineData(0, 172800, "2d")]
    public void Age_HasOneUnit(long since, long now, string text) => Assert.Equal(text, Sizes.Age(since, now));

    [Theory]
    [InlineData(0, "░░░░░░░░░░", "..........")]
    [InlineData(55, "█████░░░░░", "#####.....")]
    [InlineData(99, "█████████░", "#########.")]
    [InlineData(100, "██████████", "##########")]
    public void Bar_IsFullWhenAllIsThere(int percent, string unicode, string ascii) =>
        Assert.Equal((unicode, ascii), (Bar.Of(percent, unicode: true), Bar.Of(percent, unicode: false)));
}
