using HostMemd.Backend.Qom;
using HostMemd.Qapi;

namespace HostMemd.Unit.Backend;

public class ContainerTests
{
    readonly Container _container = new("objects");

    void Add(params string[] names)
    {
        foreach (var name in names)
        {
            _container.Reserve(name);
            _container.Adopt(new Container(name));
        }
    }

    string Names => string.Join(' ', _container.Children.Select(c => c.Name));

    [Fact]
    public void Children_AreOldestFirst_AlsoAfterOneWentAndCameBack()
    {
        Add("c", "a", "b");
        Assert.Equal("c a b", Names);

        var gone = _container.FindChild("a")!;
        _container.Hide(gone);
        Assert.Equal("c b", Names);
        Assert.Null(_container.FindChild("a"));
        Assert.Throws<QmpException>(() => _container.Reserve("a"));
        _container.Free("a");
        Add("a", "d");

        Assert.Equal("c b a d", Names);
        Assert.Same(_container.FindChild("a"), _container.FindChild("a".AsSpan()));
    }

    [Fact]
    public void ReservedName_HasNoObject()
    {
        _container.Reserve("m");

        Assert.Equal("", Names);
        Assert.Equal(1, _container.Count);
        Assert.Null(_container.FindChild("m"));
        _container.Free("m");
        Assert.Equal(0, _container.Count);
    }

    // A client that deletes all children walks them while they go.
    [Fact]
    public void Children_CanBeTakenAwayWhileTheyAreLookedAt()
    {
        Add("a", "b", "c");

        foreach (var child in _container.Children)
        {
            _container.Hide(child);
            _container.Free(child.Name);
        }

        Assert.Equal("", Names);
    }
}
