using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Unit.Backend;

public sealed class ObjectRegistryTests : IDisposable
{
    readonly string _folder = Directory.CreateTempSubdirectory("hostmemd-").FullName;
    readonly TestObjects _test = new();

    QomTree Tree => _test.Tree;

    Task<QomObject> Add(string type, string id, params (string Name, Value Value)[] properties) => _test.AddAsync(type, id, properties);

    async Task<string> Refusal(string type, string id, params (string Name, Value Value)[] properties) =>
        (await Assert.ThrowsAsync<QmpException>(() => Add(type, id, properties))).Message;

    static readonly (string, Value) s_size = ("size", Value.From(4096L));

    [Fact]
    public async Task Object_IsInTheTree_UntilItIsDeleted()
    {
        var made = await Add("memory-backend-ram", "m", s_size);

        Assert.Same(made, Tree.Resolve("/objects/m"));
        Assert.Same(made, Tree.Resolve("m"));
        await _test.Objects.DeleteAsync("m");
        Assert.Equal("Device 'm' not found", Assert.Throws<QmpException>(() => Tree.Resolve("m")).Message);
    }

    // backends.md § 3.3: types and missing members, then the id, then the setters, then the duplicate.
    [Fact]
    public async Task FirstFault_IsTheOneThatQemuReports()
    {
        await Add("memory-backend-ram", "m", s_size);

        Assert.Equal("Parameter 'size' is missing", await Refusal("memory-backend-ram", "1"));
        Assert.Equal("Parameter 'id' expects an identifier", await Refusal("memory-backend-ram", "1", ("size", Value.From(0L))));
        Assert.Equal("property 'size' of memory-backend-ram doesn't take value '0'",
            await Refusal("memory-backend-ram", "m", ("size", Value.From(0L))));
        Assert.Equal("attempt to add duplicate property 'm' to object (type 'container')", await Refusal("memory-backend-ram", "m", s_size));
        Assert.Equal("attempt to add duplicate property 'type' to object (type 'container')",
            await Refusal("memory-backend-ram", "type", s_size));
    }

    [Theory]
    [InlineData("a", true)]
    [InlineData("A-1._z", true)]
    [InlineData("", false)]
    [InlineData("1a", false)]
    [InlineData("_a", false)]
    [InlineData("a b", false)]
    [InlineData("a/b", false)]
    [InlineData("é", false)]
    [InlineData("a[0]", false)]
    public void Identifier_IsALetterThenLettersDigitsAndThreeSigns(string id, bool good) => Assert.Equal(good, Identifier.IsWellFormed(id));

    [Fact]
    public async Task FailedObject_LeavesItsIdFree_AndNoFile()
    {
        var path = Path.Combine(_folder, "mem");

        Assert.Equal("host-nodes must be set for policy bind", await Refusal("memory-backend-file", "m", s_size,
            ("mem-path", Value.From(path)), ("policy", Value.From("bind"))));

        Assert.False(File.Exists(path));
        Assert.Empty(Tree.Objects.Children);
        await Add("memory-backend-ram", "m", s_size);
    }

    [Theory]
    [InlineData("memory-backend-memfd", "hugetlbsize", 0, "Property 'memory-backend-memfd.hugetlbsize' doesn't take value '0'")]
    [InlineData("memory-backend-ram", "prealloc-threads", 0, "property 'prealloc-threads' of memory-backend-ram doesn't take value '0'")]
    public async Task Setter_ThatRefuses_IsTold(string type, string property, long value, string text) =>
        Assert.Equal(text, await Refusal(type, "m", s_size, (property, Value.From(value))));

    [Fact]
    public async Task Shm_WithoutShare_IsRefused() =>
        Assert.Equal("can't create shm backend with `share=off`", await Refusal("memory-backend-shm", "m", s_size, ("share", Value.From(false))));

    [Fact]
    public async Task ReserveOff_AndPrealloc_AreIncompatible() => Assert.Equal("'prealloc=on' and 'reserve=off' are incompatible",
        await Refusal("memory-backend-ram", "m", s_size, ("reserve", Value.From(false)), ("prealloc", Value.From(true))));

    // backends.md 16.1: QEMU aborts on these.
    [Theory]
    [InlineData(-1)]
    [InlineData(-4095)]
    public async Task SizeWhoseRoundingOverflows_IsRefused(long size) =>
        Assert.StartsWith("property 'size' of memory-backend-ram doesn't take value", await Refusal("memory-backend-ram", "m", ("size", Value.From(size))),
            StringComparison.Ordinal);

    [Fact]
    public async Task Paths_AreAbsoluteOrPartial_AndEmptyIsAmbiguous()
    {
        var made = await Add("memory-backend-ram", "m", s_size);

        foreach (var path in (string[])["/objects/m", "objects/m", "m", "/objects/m/", "//objects//m"])
            Assert.Same(made, Tree.Resolve(path));
        Assert.Equal("Path '' is ambiguous", Assert.Throws<QmpException>(() => Tree.ResolveForList("")).Message);
        Assert.Equal("Device '' not found", Assert.Throws<QmpException>(() => Tree.Resolve("")).Message);
    }

    public void Dispose()
    {
        foreach (var left in Tree.Objects.Children.ToArray())
            _test.Objects.DeleteAsync(left.Name).AsTask().GetAwaiter().GetResult();
        Directory.Delete(_folder, recursive: true);
    }
}
