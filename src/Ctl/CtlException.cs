namespace HostMemd.Ctl;

/// <summary>Ends the process with a status and one line on standard error.</summary>
sealed class CtlException(int status, string text) : Exception(text)
{
    public int Status => status;

    public static CtlException Usage(string text) => new(ExitStatus.Usage, text);

    public static CtlException Refused(string text) => new(ExitStatus.Refused, text);
}
