using System.Globalization;
using HostMemd.Qapi;

namespace HostMemd.Rpc;

/// <summary>The error texts that only a JSON-RPC client receives, one factory each. All others are those of
/// <see cref="QmpErrors"/>.</summary>
static class RpcErrors
{
    static QmpException Generic(string text) => new(ErrorClass.GenericError, text);

    public static QmpException NotAnObject() => Generic("a request must be a JSON object");
    public static QmpException NoVersion() => Generic("member 'jsonrpc' must be the string '2.0'");
    public static QmpException NoMethod() => Generic("member 'method' must be a string");
    public static QmpException BadParams() => Generic("member 'params' must be an object or an array");
    public static QmpException BadId() => Generic("member 'id' must be a string, a number or null");
    public static QmpException BadProgress() => Generic("Parameter '$progress' must be a string or an integer");
    public static QmpException IdInUse(string id) => Generic($"a request of id '{id}' is still under way");
    public static QmpException EmptyBatch() => Generic("a batch must have a request");
    public static QmpException OtherCharset(string charset) => Generic($"the charset must be utf-8, not '{charset}'");

    public static QmpException TooManyParams(string command, int most) =>
        Generic(string.Create(CultureInfo.InvariantCulture, $"The command {command} takes at most {most} parameters by position"))
            .As(RefusalKind.InvalidArguments);
}
