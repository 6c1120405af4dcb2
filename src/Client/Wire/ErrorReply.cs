using HostMemd.Qapi;

namespace HostMemd.Client.Wire;

/// <summary>The daemon's refusal, as the exception that it was there.</summary>
static class ErrorReply
{
    public static QmpException From(Members error)
    {
        error["class"].TryString(out var name);
        error["desc"].TryString(out var text);
        // QEMU tells clients to take a class they do not know for the generic one.
        return new(Enum.TryParse<ErrorClass>(name, out var known) ? known : ErrorClass.GenericError, text ?? "");
    }
}
