using HostMemd.Qapi;

namespace HostMemd.Hmp;

/// <summary>The errors of textual input: of <c>key=value</c> and of the monitor. The texts are QEMU's.</summary>
static class HmpErrors
{
    static QmpException Generic(string text) => new(ErrorClass.GenericError, text);

    public static QmpException ExpectedEquals(string parameter) => Generic($"Expected '=' after parameter '{parameter}'");
    public static QmpException TooLong(string what, string name) => Generic($"{what} '{name}' is too long");
    public static QmpException Inconsistent(string prefix) => Generic($"Parameters '{prefix}.*' used inconsistently");
    public static QmpException AllUnexpected(string prefix) => Generic($"Parameters '{prefix}.*' are unexpected");

    /// <summary>Without the word "is", unlike the text for a missing member.</summary>
    public static QmpException ElementMissing(string name) => Generic($"Parameter '{name}' missing");

    /// <summary>The hint that QEMU prints below an error. It is no part of the error.</summary>
    public static string HintFor(QmpException error) => error.Message == QmpErrors.BadIdentifier().Message
        ? "Identifiers consist of letters, digits, '-', '.', '_', starting with a letter.\n"
        : "";
}
