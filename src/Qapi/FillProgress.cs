namespace HostMemd.Qapi;

/// <summary>How far a filling is.</summary>
/// <param name="Current">Bytes filled.</param>
/// <param name="Total">Bytes to fill.</param>
public readonly record struct FillProgress(ulong Current, ulong Total);
