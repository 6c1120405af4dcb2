using HostMemd.Qapi;

namespace HostMemd.Client.Wire;

/// <summary>The daemon's refusal as an exception, as it was in the daemon.</summary>
static class ErrorReply
{
    public static QmpException From(Value reply)
    {
        var error = reply.TryObject(out var members) ? members : Members.None;
        error["class"].TryString(out var name);
        error["desc"].TryString(out var text);
        // QEMU's documentation: clients treat an unknown class as GenericError.
        return new(Enum.TryParse<ErrorClass>(name, out var known) ? known : ErrorClass.GenericError, text ?? "");
    }
}
