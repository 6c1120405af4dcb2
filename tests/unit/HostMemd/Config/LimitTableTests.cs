using HostMemd.Backend.Jobs;
using HostMemd.Backend.Objects;
using HostMemd.Backend.Prealloc;
using HostMemd.Config;
using HostMemd.Qapi;

namespace HostMemd.Unit.HostMemd.Config;

public class LimitTableTests
{
    public static TheoryData<string> Names => [.. LimitTable.All.Select(limit => limit.Name)];

    [Theory]
    [MemberData(nameof(Names))]
    public void Limit_IsWrittenIntoOnePart(string name)
    {
        var (before, after) = (Targets(LimitValues.Default), Targets(LimitValues.Default.With(name, LimitTable.Find(name).Least + 77)));

        Assert.Single(before.Zip(after), pair => pair.First != pair.Second);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void Default_IsWithinTheBounds(string name)
    {
        var limit = LimitTable.Find(name);

        Assert.InRange(limit.Default, limit.Least, limit.Most);
    }

    [Theory]
    [MemberData(nameof(Names))]
    public void OutOfBounds_IsRefusedByName(string name)
    {
        var limit = LimitTable.Find(name);
        if (limit.Most < ulong.MaxValue)
            Assert.Equal($"F: Limits.{name} is no number from {limit.Least} to {limit.Most}", Refusal(name, limit.Most + 1));
        if (limit.Least > 0)
            Assert.Equal($"F: Limits.{name} is no number from {limit.Least} to {limit.Most}", Refusal(name, limit.Least - 1));
        ConfigFileTests.Parse($"{{'Limits':{{'{name}':'{limit.Most}'}}}}");
        ConfigFileTests.Parse($"{{'Limits':{{'{name}':{limit.Least}}}}}");
    }

    [Fact]
    public void Refusals_HaveTheNameOfTheRow()
    {
        Assert.Equal("limit Objects of 2 is reached", new Limit("Objects", 2).Reached);
        Assert.Equal("request-bytes", new Limit("RequestBytes", 1).WireName);
    }

    [Theory]
    [InlineData(0, 1000, false, false)]
    [InlineData(3, 2, false, false)]
    [InlineData(3, 3, true, false)]
    [InlineData(3, 4, true, true)]
    public void Limit_IsReachedAndPassed(ulong most, long used, bool reached, bool passed)
    {
        var limit = new Limit("Clients", most);

        Assert.Equal((reached, passed), (limit.IsReachedBy(used), limit.IsPassedBy(used)));
    }

    [Theory]
    [InlineData(0, ulong.MaxValue, ulong.MaxValue, true)]
    [InlineData(10, 4, 6, true)]
    [InlineData(10, 5, 6, false)]
    [InlineData(10, 1, 20, false)]
    [InlineData(10, ulong.MaxValue, 6, false)]
    public void Limit_HasRoom(ulong most, ulong more, ulong used, bool room) =>
        Assert.Equal(room, new Limit("BytesTotal", most).HasRoomFor(more, used));

    static string Refusal(string name, ulong value) =>
        Assert.Throws<StartException>(() => ConfigFileTests.Parse($"{{'Limits':{{'{name}':'{value}'}}}}")).Message;

    // Everything that a limit may be written into.
    static string[] Targets(LimitValues values)
    {
        var state = new StateLock();
        var targets = new LimitTargets(new Quota(state), new JobTable(state), new FillPool(1));
        values.ApplyTo(targets);
        return
        [
            .. typeof(Quota).GetProperties().Where(p => p.CanWrite && p.PropertyType == typeof(Limit))
                .Select(p => $"{p.GetValue(targets.Quota)}"),
            .. targets.Wire.GetType().GetProperties().Select(p => $"{p.GetValue(targets.Wire)}"),
            $"{targets.Jobs.MaxFillings}",
            $"{targets.Fillers.Most}",
        ];
    }
}
