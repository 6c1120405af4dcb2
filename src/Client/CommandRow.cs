using HostMemd.Qapi;

namespace HostMemd.Client;

/// <summary>A command as the client knows it. A test compares every row with the daemon's table.</summary>
abstract class CommandRow(string name, QapiType result, params Member[] arguments)
{
    public string Name => name;
    public QapiType ResultType => result;
    public IReadOnlyList<Member> Arguments => arguments;
}

/// <summary>The same with the C# type of the result.</summary>
sealed class CommandRow<R>(string name, QapiType<R> result, params Member[] arguments) : CommandRow(name, result, arguments)
{
    public R Read(Value reply) => result.Read(KnownMembers.Of(reply, result.Shape), Name);
}

/// <summary>A required argument.</summary>
sealed record Argument<T>(string Name, QapiType<T> Typed) : Member(Name, Typed, false, "")
{
    public void AddTo(Members arguments, T value) => arguments.Add(Name, Typed.Write(value));
}

/// <summary>An optional argument.</summary>
sealed record Optional<T>(string Name, QapiType<T> Typed) : Member(Name, Typed, true, "")
{
    public void AddTo(Members arguments, T value) => arguments.Add(Name, Typed.Write(value));
}
