using HostMemd.Client;
using HostMemd.Config;
using HostMemd.Protocol.Contract;
using HostMemd.Qapi;
using Microsoft.Extensions.Logging.Abstractions;

namespace HostMemd.Unit.Client;

/// <summary>The client's rows and the daemon's are the same, as far as a client can tell.</summary>
public sealed class CommandRowsTests
{
    static readonly CommandTable s_daemon = new Daemon(new HostMemdOptions(), NullLoggerFactory.Instance).Commands;

    public static TheoryData<string> Names => [.. CommandRows.All.Select(r => r.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Row_IsTheDaemons(string name)
    {
        var ours = CommandRows.All.Single(r => r.Name == name);
        var theirs = s_daemon.Find(name);
        Assert.Equal(Described(((ObjectShape)theirs.ArgumentType.Shape).Members), Described(ours.Arguments));
        AssertSame(theirs.ResultType, ours.ResultType);
    }

    static IEnumerable<(string, string, bool)> Described(IReadOnlyList<Member> members) => members.Select(m => (m.Name, m.Type.Name, m.Optional));

    static void AssertSame(QapiType theirs, QapiType ours)
    {
        // Lists are made where they are used; what they are lists of is declared once.
        if (theirs.Shape is ArrayShape list)
            AssertSame(list.Element, Assert.IsType<ArrayShape>(ours.Shape).Element);
        else
            Assert.Same(theirs, ours);
    }

    [Fact]
    public void ObjectAdd_IsThere() => Assert.NotNull(s_daemon.Find(CommandRows.Add));

    [Fact]
    public void WhatANewerDaemonAdds_IsLeftOut()
    {
        var reply = Value.From([Value.Object(
            ("id", Value.From("j")), ("type", Value.From("memdev-prealloc")), ("status", Value.From("running")),
            ("current-progress", Value.From(1)), ("total-progress", Value.From(2)), ("estimate", Value.From(3)))]);
        Assert.Equal("j", Assert.Single(CommandRows.Jobs.Read(reply)).Id);
    }
}
