using HostMemd.Config;


namespace HostMemd.Unit.HostMemd.Config;

public class ArgumentBytesTests
{
    static string Refusal(string[] args, byte[] line) => Assert.Throws<StartException>(() => ArgumentBytes.Check(args, line)).Message;

    [Fact]
    public void OptionIsNamed_AndTheBytesAreShown() =>
        Assert.Equal(@"--pidfile: '/tmp/caf\xe9é' is not UTF-8",
            Refusal(["--smp", "1", "--pidfile", "/tmp/caf\uFFFDé"], [.. "hostmemd\0--smp\01\0--pidfile\0/tmp/caf"u8, 0xE9, .. "é\0"u8]));

    [Fact]
    public void InterpreterBeforeTheProgram_IsPassedOver() =>
        Assert.Equal(@"'--config=\xff\xfe' is not UTF-8",
            Refusal(["--config=\uFFFD\uFFFD"], [.. "dotnet\0hostmemd.dll\0--config="u8, 0xFF, 0xFE, 0]));

    // A surrogate in three bytes, an overlong slash, a sequence that ends too early: all of their bytes.
    [Theory]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80 }, @"\xed\xa0\x80")]
    [InlineData(new byte[] { 0xC0, 0xAF }, @"\xc0\xaf")]
    [InlineData(new byte[] { 0xE2, 0x82 }, @"\xe2\x82")]
    public void EveryWrongByte_IsShown(byte[] bytes, string shown) =>
        Assert.Equal($"--qmp: '{shown}' is not UTF-8", Refusal(["--qmp", "\uFFFD"], [.. "h\0--qmp\0"u8, .. bytes, 0]));

    [Fact]
    public void UsersOwnReplacementCharacter_IsText() => ArgumentBytes.Check(["--pidfile", "/tmp/\uFFFD"], "h\0--pidfile\0/tmp/\uFFFD\0"u8);

    [Fact]
    public void WhatCannotBeLookedAt_IsRefused() => Assert.Equal("--qmp: '\uFFFD' is not UTF-8", Refusal(["--qmp", "\uFFFD"], []));
}
