namespace HostMemd.Config;

/// <summary>A section of the configuration file.</summary>
/// <param name="Path">The names from the root on: <c>Serilog.File</c>.</param>
/// <param name="Doc">Whole sentences for the manual and the sample file, in Markdown.</param>
sealed record SettingSection(string Path, string Doc);
