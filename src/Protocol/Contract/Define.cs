using HostMemd.Qapi;

namespace HostMemd.Protocol.Contract;

/// <summary>
/// Declares commands. The handler's parameters are the declared arguments, so a handler cannot receive an argument that is not declared,
/// nor forget one that is.
/// </summary>
/// <remarks>
/// <c>Command</c> is for work of microseconds: the handler runs while the daemon's state is held. <c>Slow</c> is for work that moves
/// memory or waits: the handler holds the state only for the parts that need it. The result of a slow command must not be changed
/// afterwards, because it is read while it is written to the client.
/// </remarks>
public static class Define
{
    public static Arg<T> Arg<T>(string name, QapiType<T> type, string doc) =>
        new(name, type, Optional: false, doc, v => type.Read(v, name), () => throw QmpErrors.ParameterMissing(name));

    /// <summary>An optional argument; null when the client sent none.</summary>
    public static Arg<T?> Opt<T>(string name, QapiType<T> type, string doc) where T : class =>
        new(name, type, Optional: true, doc, v => type.Read(v, name), () => null);

    /// <summary>An optional argument and its value when the client sent none.</summary>
    public static Arg<T> Opt<T>(string name, QapiType<T> type, T absent, string doc) where T : struct =>
        new(name, type, Optional: true, doc, v => type.Read(v, name), () => absent);

    /// <summary>An optional argument of a value type where its absence matters.</summary>
    public static Arg<T?> OptNullable<T>(string name, QapiType<T> type, string doc) where T : struct =>
        new(name, type, Optional: true, doc, v => type.Read(v, name), () => null);

    public static Command Command<R>(string name, string doc, QapiType<R> result, Func<Call, R> handler) =>
        new(name, doc, Arguments(), result, (call, given, state) =>
        {
            if (given.Count != 0)
                Refuse(given);
            using (state.Enter())
                return new(result.Write(handler(call)));
        });

    public static Command Command<A, R>(string name, string doc, QapiType<R> result, Arg<A> a, Func<Call, A, R> handler) =>
        new(name, doc, Arguments(a), result, (call, given, state) =>
        {
            var found = 0;
            var first = a.Read(given, ref found);
            if (given.Count != found)
                Refuse(given, a);
            using (state.Enter())
                return new(result.Write(handler(call, first)));
        });

    public static Command Command<A, B, R>(string name, string doc, QapiType<R> result, Arg<A> a, Arg<B> b, Func<Call, A, B, R> handler) =>
        new(name, doc, Arguments(a, b), result, (call, given, state) =>
        {
            var found = 0;
            var first = a.Read(given, ref found);
            var second = b.Read(given, ref found);
            if (given.Count != found)
                Refuse(given, a, b);
            using (state.Enter())
                return new(result.Write(handler(call, first, second)));
        });

    public static Command Command<A, B, C, R>(
        string name, string doc, QapiType<R> result, Arg<A> a, Arg<B> b, Arg<C> c, Func<Call, A, B, C, R> handler) =>
        new(name, doc, Arguments(a, b, c), result, (call, given, state) =>
        {
            var found = 0;
            var first = a.Read(given, ref found);
            var second = b.Read(given, ref found);
            var third = c.Read(given, ref found);
            if (given.Count != found)
                Refuse(given, a, b, c);
            using (state.Enter())
                return new(result.Write(handler(call, first, second, third)));
        });

    public static Command Command<A, B, C, D, R>(
        string name, string doc, QapiType<R> result, Arg<A> a, Arg<B> b, Arg<C> c, Arg<D> d, Func<Call, A, B, C, D, R> handler) =>
        new(name, doc, Arguments(a, b, c, d), result, (call, given, state) =>
        {
            var found = 0;
            var first = a.Read(given, ref found);
            var second = b.Read(given, ref found);
            var third = c.Read(given, ref found);
            var fourth = d.Read(given, ref found);
            if (given.Count != found)
                Refuse(given, a, b, c, d);
            using (state.Enter())
                return new(result.Write(handler(call, first, second, third, fourth)));
        });

    public static Command Slow<R>(string name, string doc, QapiType<R> result, Func<Call, ValueTask<R>> handler) =>
        new(name, doc, Arguments(), result, (call, given, _) =>
        {
            if (given.Count != 0)
                Refuse(given);
            return Written(result, handler(call));
        });

    public static Command Slow<A, R>(string name, string doc, QapiType<R> result, Arg<A> a, Func<Call, A, ValueTask<R>> handler) =>
        new(name, doc, Arguments(a), result, (call, given, _) =>
        {
            var found = 0;
            var first = a.Read(given, ref found);
            if (given.Count != found)
                Refuse(given, a);
            return Written(result, handler(call, first));
        });

    public static Command Slow<A, B, R>(
        string name, string doc, QapiType<R> result, Arg<A> a, Arg<B> b, Func<Call, A, B, ValueTask<R>> handler) =>
        new(name, doc, Arguments(a, b), result, (call, given, _) =>
        {
            var found = 0;
            var first = a.Read(given, ref found);
            var second = b.Read(given, ref found);
            if (given.Count != found)
                Refuse(given, a, b);
            return Written(result, handler(call, first, second));
        });

    public static Command Slow<A, B, C, R>(
        string name, string doc, QapiType<R> result, Arg<A> a, Arg<B> b, Arg<C> c, Func<Call, A, B, C, ValueTask<R>> handler) =>
        new(name, doc, Arguments(a, b, c), result, (call, given, _) =>
        {
            var found = 0;
            var first = a.Read(given, ref found);
            var second = b.Read(given, ref found);
            var third = c.Read(given, ref found);
            if (given.Count != found)
                Refuse(given, a, b, c);
            return Written(result, handler(call, first, second, third));
        });

    public static Command Slow<A, B, C, D, R>(
        string name, string doc, QapiType<R> result, Arg<A> a, Arg<B> b, Arg<C> c, Arg<D> d,
        Func<Call, A, B, C, D, ValueTask<R>> handler) =>
        new(name, doc, Arguments(a, b, c, d), result, (call, given, _) =>
        {
            var found = 0;
            var first = a.Read(given, ref found);
            var second = b.Read(given, ref found);
            var third = c.Read(given, ref found);
            var fourth = d.Read(given, ref found);
            if (given.Count != found)
                Refuse(given, a, b, c, d);
            return Written(result, handler(call, first, second, third, fourth));
        });

    /// <summary>A command whose arguments as a whole are of one type, as those of <c>object-add</c>.</summary>
    public static Command Slow<A, R>(
        string name, string doc, QapiType<R> result, QapiType<A> arguments, Func<Call, A, ValueTask<R>> handler) =>
        new(name, doc, arguments, result, (call, given, _) =>
            Written(result, handler(call, ReadAll(arguments, given))));

    static A ReadAll<A>(QapiType<A> type, Members given)
    {
        try
        {
            return type.Read(Value.From(given), null);
        }
        catch (QmpException mismatch)
        {
            throw mismatch.As(RefusalKind.InvalidArguments);
        }
    }

    static ValueTask<Value> Written<R>(QapiType<R> type, ValueTask<R> work)
    {
        return work.IsCompletedSuccessfully ? new(type.WriteLazily(work.Result)) : Await(type, work);

        static async ValueTask<Value> Await(QapiType<R> type, ValueTask<R> work) => type.WriteLazily(await work.ConfigureAwait(false));
    }

    static QapiType<Nothing> Arguments(params Member[] members) => members.Length == 0 ? QapiTypes.None : new ArgumentsType(members);

    // QEMU reports wrong and missing arguments before unexpected ones, so this check comes last.
    static void Refuse(Members given, params ReadOnlySpan<Member> declared)
    {
        var names = new HashSet<string>(StringComparer.Ordinal);
        foreach (var member in declared)
            names.Add(member.Name);
        try
        {
            Unexpected.Check(given, names.Contains);
        }
        catch (QmpException unexpected)
        {
            throw unexpected.As(RefusalKind.InvalidArguments);
        }
    }

    sealed class ArgumentsType(IReadOnlyList<Member> members) : QapiType<Nothing>
    {
        public override string Name => "q_obj-arg";
        public override TypeShape Shape { get; } = new ObjectShape(members);
        public override Value Write(Nothing value) => Value.Empty;
        public override Nothing Read(Value value, string? name) => default;
    }
}
