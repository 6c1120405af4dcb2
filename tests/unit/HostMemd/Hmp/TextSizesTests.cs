using HostMemd.Hmp;

namespace HostMemd.Unit.HostMemd.Hmp;

/// <summary>Sizes in text: what QEMU 11.1 took each of them for in <c>object_add</c>.</summary>
public class TextSizesTests
{
    [Theory]
    [InlineData("4096", 4096)]
    [InlineData("010", 10)]
    [InlineData("1b", 1)]
    [InlineData("10B", 10)]
    [InlineData("1k", 1024)]
    [InlineData("1K", 1024)]
    [InlineData("1m", 1048576)]
    [InlineData("1.5M", 1572864)]
    [InlineData("1G", 1073741824)]
    [InlineData("0.1T", 109951162778)]
    [InlineData("1.", 1)]
    [InlineData("1.0", 1)]
    [InlineData("1.k", 1024)]
    [InlineData(".5k", 512)]
    [InlineData("+1k", 1024)]
    [InlineData(" 1k", 1024)]
    [InlineData("\t\n1k", 1024)]
    [InlineData("0x10", 16)]
    [InlineData("0X10", 16)]
    [InlineData("+0x1b", 27)]
    [InlineData("1.9999k", 2048)]
    [InlineData("0.00048828125k", 1)]
    [InlineData("1.00146484375k", 1026)]
    [InlineData("0.000001k", 0)]
    [InlineData("0.9999999999999999999999999b", 1)]
    [InlineData("000000000000000000000000000000000000000000000000000000000000000000000000000000001k", 1024)]
    [InlineData("0.0000000000E", 0)]
    public void Size_IsRead(string text, ulong bytes)
    {
        Assert.True(TextSizes.TryRead(text, out var read));
        Assert.Equal(bytes, read);
    }

    [Theory]
    [InlineData("")]
    [InlineData("x")]
    [InlineData("-1")]
    [InlineData("-0")]
    [InlineData("1Q")]
    [InlineData("1MB")]
    [InlineData("1 k")]
    [InlineData("1k ")]
    [InlineData("1.5")]
    [InlineData("1.5b")]
    [InlineData(".")]
    [InlineData(".k")]
    [InlineData("1..k")]
    [InlineData("1e3")]
    [InlineData("1_0")]
    [InlineData("0x")]
    [InlineData("0x1K")]
    [InlineData("0x1.8k")]
    [InlineData("00x10")]
    [InlineData("++1")]
    [InlineData("+-1")]
    [InlineData("+ 1")]
    [InlineData("16E")]
    [InlineData("15.99999999999999999999E")]
    [InlineData("18446744073709551616")]
    [InlineData("0xfffffffffffffffff")]
    [InlineData("1.0000000000000000000000000000001")]
    [InlineData("nan")]
    [InlineData("inf")]
    public void Size_ThatIsNone_IsRefused(string text) => Assert.False(TextSizes.TryRead(text, out _));

    // QEMU cannot be asked for these: it aborts when it is to allocate so much.
    [Theory]
    [InlineData("16383P", 16383UL << 50)]
    [InlineData("0xffffffffffffffff", ulong.MaxValue)]
    [InlineData("18446744073709551615b", ulong.MaxValue)]
    public void Size_OfAllThereIs_IsRead(string text, ulong bytes) => Size_IsRead(text, bytes);
}
