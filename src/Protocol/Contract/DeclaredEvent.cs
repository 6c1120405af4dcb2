using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

// What is not declared cannot be sent, and what is declared cannot be left out.

/// <summary>An event with one member.</summary>
public sealed class DeclaredEvent<A>(EventTable table, string name, string doc, bool isExtension, Datum<A> a)
    : Event(table, name, doc, isExtension, [a])
{
    public void Send(IAudience audience, A first)
    {
        var data = new Members(1);
        a.Write(data, first);
        audience.Send(this, data);
    }
}

/// <summary>An event with two members.</summary>
public sealed class DeclaredEvent<A, B>(EventTable table, string name, string doc, bool isExtension, Datum<A> a, Datum<B> b)
    : Event(table, name, doc, isExtension, [a, b])
{
    public void Send(IAudience audience, A first, B second, bool onlyWatchers = false)
    {
        var data = new Members(2);
        a.Write(data, first);
        b.Write(data, second);
        audience.Send(this, data, onlyWatchers);
    }
}

/// <summary>An event with three members.</summary>
public sealed class DeclaredEvent<A, B, C>(EventTable table, string name, string doc, bool isExtension, Datum<A> a, Datum<B> b, Datum<C> c)
    : Event(table, name, doc, isExtension, [a, b, c])
{
    public void Send(IAudience audience, A first, B second, C third)
    {
        var data = new Members(3);
        a.Write(data, first);
        b.Write(data, second);
        c.Write(data, third);
        audience.Send(this, data);
    }
}

/// <summary>An event with four members.</summary>
public sealed class DeclaredEvent<A, B, C, D>(
    EventTable table, string name, string doc, bool isExtension, Datum<A> a, Datum<B> b, Datum<C> c, Datum<D> d)
    : Event(table, name, doc, isExtension, [a, b, c, d])
{
    public void Send(IAudience audience, A first, B second, C third, D fourth)
    {
        var data = new Members(4);
        a.Write(data, first);
        b.Write(data, second);
        c.Write(data, third);
        d.Write(data, fourth);
        audience.Send(this, data);
    }
}
