using HostMemd.Protocol.Qmp;
using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>
/// A declared event. QEMU's go to every client that has negotiated; ours only to clients that asked with <c>memdev-watch</c>,
/// since some clients decode events into a closed list.
/// </summary>
public abstract class Event(string name, string doc, bool isExtension, IReadOnlyList<Member> data)
{
    public string Name { get; } = name;
    public string Doc { get; } = doc;

    /// <summary>Beyond QEMU: only for those who asked.</summary>
    public bool IsExtension { get; } = isExtension;

    public IReadOnlyList<Member> Data { get; } = data;

    /// <summary>The whole message, stamped with the realtime clock.</summary>
    /// <param name="data">The members of <c>data</c>.</param>
    /// <param name="now">When it happened; before 1970 QEMU's <c>-1</c> for a clock that cannot be read.</param>
    public Value Message(Members data, DateTimeOffset now)
    {
        var micros = (now - DateTimeOffset.UnixEpoch).Ticks / TimeSpan.TicksPerMicrosecond;
        var stamp = Value.Object(
            ("seconds", Value.From(micros < 0 ? -1 : micros / 1_000_000)),
            ("microseconds", Value.From(micros < 0 ? -1 : micros % 1_000_000)));
        var message = new Members(3);
        message.Add("timestamp", stamp);
        message.Add("event", Value.From(Name));
        if (data.Count > 0)
            message.Add("data", Value.From(data));
        return Value.From(message);
    }
}

/// <summary>One member of an event's data.</summary>
public sealed record Datum<T>(string Name, QapiType<T> Typed, string Doc) : Member(Name, Typed, false, Doc)
{
    internal void Write(Members data, T value) => data.Add(Name, Typed.Write(value));
}

/// <summary>An event with one member. What is not declared cannot be sent.</summary>
public sealed class DeclaredEvent<A>(string name, string doc, bool isExtension, Datum<A> a) : Event(name, doc, isExtension, [a])
{
    public void Send(SessionHost sessions, A first)
    {
        var data = new Members(1);
        a.Write(data, first);
        sessions.Broadcast(this, data);
    }
}

/// <summary>An event with two members.</summary>
public sealed class DeclaredEvent<A, B>(string name, string doc, bool isExtension, Datum<A> a, Datum<B> b)
    : Event(name, doc, isExtension, [a, b])
{
    public void Send(SessionHost sessions, A first, B second, bool onlyWatchers = false)
    {
        var data = new Members(2);
        a.Write(data, first);
        b.Write(data, second);
        sessions.Broadcast(this, data, onlyWatchers);
    }
}

/// <summary>An event with three members.</summary>
public sealed class DeclaredEvent<A, B, C>(string name, string doc, bool isExtension, Datum<A> a, Datum<B> b, Datum<C> c)
    : Event(name, doc, isExtension, [a, b, c])
{
    public void Send(SessionHost sessions, A first, B second, C third)
    {
        var data = new Members(3);
        a.Write(data, first);
        b.Write(data, second);
        c.Write(data, third);
        sessions.Broadcast(this, data);
    }
}

/// <summary>An event with four members.</summary>
public sealed class DeclaredEvent<A, B, C, D>(string name, string doc, bool isExtension, Datum<A> a, Datum<B> b, Datum<C> c, Datum<D> d)
    : Event(name, doc, isExtension, [a, b, c, d])
{
    public void Send(SessionHost sessions, A first, B second, C third, D fourth)
    {
        var data = new Members(4);
        a.Write(data, first);
        b.Write(data, second);
        c.Write(data, third);
        d.Write(data, fourth);
        sessions.Broadcast(this, data);
    }
}
