namespace HostMemd.Ctl.Line;

/// <summary>A command line that was understood.</summary>
/// <param name="Verb">Null where there is none.</param>
/// <param name="Words">The operands, those behind <c>--</c> included.</param>
/// <param name="Values">Of each option that was given the last value; null for an option without one.</param>
/// <param name="Behind">How many of the words stand behind <c>--</c>.</param>
sealed record ParsedLine(VerbRow? Verb, IReadOnlyList<string> Words, IReadOnlyDictionary<OptionRow, string?> Values, int Behind)
{
    /// <summary>The words of one operand of the verb.</summary>
    public IReadOnlyList<string> Of(OperandRow operand)
    {
        var at = 0;
        foreach (var row in Verb!.Operands)
        {
            if (row == operand)
                return row.IsMany ? [.. Words.Skip(at)] : [.. Words.Skip(at).Take(1)];
            at++;
        }
        throw new InvalidOperationException($"{Verb.Name} has no operand {operand.Name}");
    }
}
