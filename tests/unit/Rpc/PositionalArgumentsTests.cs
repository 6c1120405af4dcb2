using HostMemd.Qapi;
using HostMemd.Qapi.Json;
using HostMemd.Rpc.Messages;

namespace HostMemd.Unit.Rpc;

public sealed class PositionalArgumentsTests
{
    static readonly ObjectShape s_plain = new(
        [new("a", QapiTypes.Str, false, ""), new("b", QapiTypes.Int, true, ""), new("c", QapiTypes.Int, true, "")]);

    static readonly QapiUnion s_union = new("U", "T", ["x", "y"], tag => tag switch
    {
        "x" => [new("size", QapiTypes.Size, false, ""), new("dump", QapiTypes.Bool, true, "")],
        "y" => [],
        _ => null,
    });

    static string Name(TypeShape shape, string given)
    {
        JsonText.Parse(given).TryList(out var items);
        return JsonWriter.ToText(Value.From(PositionalArguments.Name("m", shape, items!)));
    }

    [Theory]
    [InlineData("[]", "{}")]
    [InlineData("[\"p\"]", "{\"a\": \"p\"}")]
    [InlineData("[\"p\",null,3]", "{\"a\": \"p\", \"c\": 3}")]
    public void Arguments_AreThoseOfTheDeclaration_InItsOrder(string given, string expected) =>
        Assert.Equal(expected, Name(s_plain, given));

    [Fact]
    public void Arguments_BehindATag_AreThoseOfItsCase() =>
        Assert.Equal(JsonText.Parse("{\"qom-type\": \"x\", \"id\": \"i\", \"size\": 7, \"dump\": true}"),
            JsonText.Parse(Name(s_union.Shape, "[\"x\",\"i\",7,true]")));

    [Fact]
    public void MoreThanThereAre_AreRefused()
    {
        var refused = Assert.Throws<QmpException>(() => Name(s_plain, "[\"p\",1,2,3]"));
        Assert.Equal("The command m takes at most 3 parameters by position", refused.Message);
        Assert.Equal(RefusalKind.InvalidArguments, refused.Kind);
        Assert.Throws<QmpException>(() => Name(s_union.Shape, "[\"y\",\"i\",7]"));
    }
}
