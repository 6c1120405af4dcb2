namespace HostMemd.Ctl.Completion;

/// <summary>A word that could stand where the user is.</summary>
/// <param name="Word">What is put in.</param>
/// <param name="Detail">What zsh and fish show beside it.</param>
sealed record Suggestion(string Word, string Detail = "");
