using HostMemd.Qapi;

namespace HostMemd.Unit;

public class TypesTests
{
    enum Colour { Red, Green }

    static readonly QapiEnum<Colour> s_colour = new("Colour", ("red", Colour.Red), ("green", Colour.Green));

    static string Refusal(Action read) => Assert.Throws<QmpException>(read).Message;

    // backends.md § 3.1.
    [Fact]
    public void Size_TakesIntegersOnly()
    {
        Assert.Equal(ulong.MaxValue, QapiTypes.Size.Read(Value.From(-1L), "size"));
        Assert.Equal(ulong.MaxValue, QapiTypes.Size.Read(Value.From(ulong.MaxValue), "size"));
        foreach (var wrong in (Value[])[Value.From("1M"), Value.From(1.0), Value.From(true), Value.Null, Value.From(Array.Empty<Value>()), Value.Empty])
            Assert.Equal("Parameter 'size' expects uint64", Refusal(() => QapiTypes.Size.Read(wrong, "size")));
    }

    [Theory]
    [InlineData(-1)]
    [InlineData(4294967296)]
    public void UInt32_OutOfRange_NamesItsCType(long value) => Assert.Equal("Parameter 'prealloc-threads' expects uint32_t",
        Refusal(() => QapiTypes.U32.Read(Value.From(value), "prealloc-threads")));

    [Fact]
    public void ListElement_OfWrongType_IsNamedByItsIndex_AndOutOfRangeNull()
    {
        var list = QapiTypes.ListOf(QapiTypes.U16);

        Assert.Equal("Parameter 'host-nodes[0]' expects uint64", Refusal(() => list.Read(Value.From([Value.From("0")]), "host-nodes")));
        Assert.Equal("Parameter 'null' expects uint16_t", Refusal(() => list.Read(Value.From([Value.From(65536L)]), "host-nodes")));
        Assert.Equal("Invalid parameter type for 'host-nodes', expected: array", Refusal(() => list.Read(Value.From(0L), "host-nodes")));
    }

    [Fact]
    public void Enum_RoundTrips_AndIsCaseSensitive()
    {
        foreach (var value in Enum.GetValues<Colour>())
            Assert.Equal(value, s_colour.Read(s_colour.Write(value), "c"));
        Assert.Equal("Parameter 'c' does not accept value 'Red'", Refusal(() => s_colour.Read(Value.From("Red"), "c")));
        Assert.Equal("Invalid parameter type for 'c', expected: string", Refusal(() => s_colour.Read(Value.From(0L), "c")));
    }

    [Theory]
    [InlineData("on", true)]
    [InlineData("yes", true)]
    [InlineData("true", true)]
    [InlineData("y", true)]
    [InlineData("off", false)]
    [InlineData("no", false)]
    [InlineData("false", false)]
    [InlineData("n", false)]
    public void Bool_OnTheCommandLine_HasFourWordsEach(string text, bool expected) =>
        Assert.Equal(Value.From(expected), QapiTypes.Bool.FromText(text, "merge", TextForm.CommandLine));

    [Fact]
    public void Bool_OfAnotherWord_IsRefused() => Assert.Equal("Parameter 'merge' expects 'on' or 'off'",
        Refusal(() => QapiTypes.Bool.FromText("1", "merge", TextForm.CommandLine)));

    [Fact]
    public void Range_OnTheCommandLine_IsInclusive()
    {
        var list = QapiTypes.ListOf(QapiTypes.U16);

        Assert.Equal(Value.From([Value.From(0L), Value.From(1L), Value.From(2L), Value.From(3L)]),
            list.FromText("0-3", "host-nodes", TextForm.CommandLine));
        Assert.Equal("Invalid parameter type for 'host-nodes', expected: array",
            Refusal(() => list.FromText("0", "host-nodes", TextForm.KeyValue)));
    }

    [Fact]
    public void Value_TellsIntegersAndDoublesApart_AndMembersInAnyOrderAlike()
    {
        Assert.NotEqual(Value.From(1L), Value.From(1.0));
        Assert.Equal(Value.From(1L), Value.From(1ul));
        Assert.Equal(Value.Object(("a", Value.Null), ("b", Value.From(true))), Value.Object(("b", Value.From(true)), ("a", Value.Null)));
    }

    [Fact]
    public void Members_AreUnique_AlsoWhenMany()
    {
        var members = new Members();
        for (var i = 0; i < 100; i++)
            Assert.True(members.TryAdd($"m{i}", Value.From((long)i)));

        Assert.False(members.TryAdd("m7", Value.Null));
        Assert.Equal(Value.From(99L), members["m99"]);
        Assert.Throws<InvalidOperationException>(() => Members.None.TryAdd("x", Value.Null));
    }
}
