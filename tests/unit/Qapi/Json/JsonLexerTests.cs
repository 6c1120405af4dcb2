using static HostMemd.Unit.Qapi.Json.Reading;

namespace HostMemd.Unit.Qapi.Json;

public class JsonLexerTests
{
    [Theory]
    [InlineData("@\n", "@")]
    [InlineData("01\n", "01")]
    [InlineData("-01\n", "-01")]
    [InlineData("1.\n", "1.\n")]
    [InlineData("1.x\n", "1.x")]
    [InlineData("1e{\n", "1e{")]
    [InlineData("1e+ \n", "1e+ ")]
    [InlineData("--1\n", "--")]
    [InlineData("-x\n", "-x")]
    [InlineData("\"abc\n", "\"abc\n")]
    [InlineData("'abc\t'\n", "'abc\t")]
    [InlineData("\"a\\\u0001\n", "\"a\\\u0001")]
    [InlineData("\"abc\u00FE\n", "\"abc\uFFFD")]
    [InlineData("\u00FF\n", "\uFFFD")]
    [InlineData("\u0080\n", "\uFFFD")]
    [InlineData("\u001B\n", "\u001B")]
    [InlineData("\u007F\n", "\u007F")]
    [InlineData("TRUE\n", "T")]
    [InlineData("%d\n", "%")]
    [InlineData("/ comment\n", "/")]
    [InlineData("\0\n", "")]
    [InlineData("\"a\0\n", "\"a")]
    public void StrayByte_AtTopLevel_IsShownWithTheTokenItSpoils(string input, string shown) =>
        CheckError(input, 1, $"stray '{shown}'");

    [Fact]
    public void BadSequences_InStrayToken_AreOneReplacementEach() => CheckError(
        "\"\u00C3(\u00F8\u0088\u0080\u0080\u0080\u00F8\u0088\u0080\u00ED\u00A0\u0080\u00C0\u0080\u00EF\u00BF\u00BE\u0001\n", 1,
        "stray '\"\uFFFD(\uFFFD\uFFFD\uFFFD\0\uFFFD\u0001'");

    [Theory]
    [InlineData("\"a", 1014, "stray '\"a")]
    [InlineData("\"a", 3000, "stray '\"a")]
    public void StrayToken_Long_IsCutWithTheText(string start, int more, string shown)
    {
        // QEMU: 1023 bytes of text, the closing quote lost.
        var told = Assert.Single(Read(start + new string('a', more) + "\u0001\n"));
        Assert.Equal(Error(1, (shown + new string('a', 2000))[..1023]).Length, told.Length);
        Assert.StartsWith(Error(1, shown), told, StringComparison.Ordinal);
    }

    [Fact]
    public void StrayByte_InsideMessage_SkipsToNextPunctuation() => Check(
        "{\"execute\":\"x\", \"id\": 01, \"a\": {\"b\":1}}\n",
        [
            Error(23, "stray '01'"), Error(26, "expecting value"), "\"a\"", Error(30, "expecting value"), "{\"b\": 1}",
            Error(39, "expecting value"),
        ]);

    [Theory]
    [InlineData("@ x y z\n")]
    [InlineData("@\"x\n")]
    [InlineData("@ 1 2 3\n")]
    [InlineData("@\t'1\n")]
    public void Skipping_IsNotStoppedByBlanksOrQuotes(string input) => CheckError(input, 1, "stray '@'");

    [Theory]
    [InlineData("@\r1\n", "1")]
    [InlineData("@\n'x'\n", "\"x\"")]
    [InlineData("@[]", "[]")]
    [InlineData("@ x {}", "{}")]
    public void Skipping_IsStoppedByLineEndsAndOpenBrackets(string input, string value) => Check(input, [Error(1, "stray '@'"), value]);

    [Fact]
    public void Skipping_IsStoppedByControlBytes() =>
        Check("@\u0001,\n", [Error(1, "stray '@'"), Error(3, "stray '\u0001'"), Error(4, "expecting value")]);

    [Fact]
    public void ControlByte_InsideNestedMessage_Resynchronizes() =>
        Check("[[[{\"a\":\u0001{\"b\":2}\n", [Error(9, "stray '\u0001'"), "{\"b\": 2}"]);

    [Fact]
    public void ByteOrderMark_IsOneStray_AndTheObjectBehindItWorks() =>
        Check("\u00EF\u00BB\u00BF{\"a\":1}", [Error(1, "stray '\uFFFD'"), "{\"a\": 1}"]);

    [Theory]
    [InlineData("1 2 ", new[] { "1", "2" })]
    [InlineData("{}[]'x'\"y\"", new[] { "{}", "[]", "\"x\"", "\"y\"" })]
    [InlineData("null true\tfalse\r\n", new[] { "null", "true", "false" })]
    [InlineData("1", new string[0])]
    [InlineData("null", new string[0])]
    [InlineData("", new string[0])]
    [InlineData(" \r\n\t", new string[0])]
    public void Messages_NeedNoSeparator_ButScalarsTheNextByte(string input, string[] expected) => Check(input, expected);

    [Fact]
    public void LoneZero_TakesNoExponent() => Check("0e1 ", ["0", Error(3, "invalid keyword 'e'"), "1"]);
}
