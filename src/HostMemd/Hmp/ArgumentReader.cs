namespace HostMemd.Hmp;

/// <summary>Reads a command's arguments from the line, by the command's row.</summary>
static class ArgumentReader
{
    /// <summary>Returns false and prints the complaint when the line does not fit the row.</summary>
    public static bool TryRead(HmpCommand command, CommandLineReader line, HmpCall call)
    {
        foreach (var argument in command.Arguments)
        {
            line.SkipBlanks();
            if (Complaint(argument, line, call) is { } complaint)
            {
                call.Print($"{command.Name}: {complaint}");
                return false;
            }
        }
        line.SkipBlanks();
        if (line.IsAtEnd)
            return true;
        call.Print($"{command.Name}: extraneous characters at the end of line\n");
        return false;
    }

    static string? Complaint(HmpArgument argument, CommandLineReader line, HmpCall call)
    {
        if (argument.Form == ArgumentForm.Flag)
            return FlagComplaint(argument, line, call);
        if (argument.Optional && line.IsAtEnd)
            return null;
        if (argument.Form == ArgumentForm.Rest && !line.IsAtEnd)
            call.Give(argument.Name, line.ReadRest());
        else if (line.TryReadWord(out var word))
            call.Give(argument.Name, word);
        else
            return "string expected\n";
        return null;
    }

    // QEMU takes only the letter: what follows it belongs to the next argument, blank or not.
    static string? FlagComplaint(HmpArgument flag, CommandLineReader line, HmpCall call)
    {
        if (line.Peek != '-')
            return null;
        line.Skip();
        if (line.IsAtEnd)
        {
            // QEMU prints the line's NUL as the option, which ends the text before its LF.
            return "unsupported option -";
        }
        if (line.Peek != flag.Name[0])
        {
            // QEMU shows one byte, which is no character when the character is longer.
            return $"unsupported option -{(char.IsAscii(line.Peek) ? line.Peek : '\uFFFD')}\n";
        }
        line.Skip();
        call.Give(flag.Name);
        return null;
    }
}
