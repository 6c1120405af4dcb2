using HostMemd.Qapi;
using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Leases;

/// <summary>A loan as its borrower gets it.</summary>
/// <param name="Reply">What <c>memdev-map</c> returns.</param>
/// <param name="Descriptor">The memory, an open file of its own. The caller sends and closes it.</param>
public sealed record Loan(MemdevMapped Reply, SafeFileHandle Descriptor);
