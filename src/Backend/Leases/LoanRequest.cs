using Microsoft.Win32.SafeHandles;

namespace HostMemd.Backend.Leases;

/// <summary>What <c>memdev-map</c> asks for.</summary>
/// <param name="Id">The backend.</param>
/// <param name="Pid">The borrower's number in the daemon's pid namespace; null if the client itself borrows.</param>
/// <param name="IsReadOnly">The descriptor lent must not be mapped writable.</param>
/// <param name="Name">Free text.</param>
/// <param name="Client">The process that asks.</param>
public sealed record LoanRequest(string Id, long? Pid, bool IsReadOnly, string? Name, LoanClient Client);

/// <summary>The process that asks for a loan, by the kernel's word.</summary>
/// <param name="Pid">Its number, or <see cref="Lease.Unnumbered"/>.</param>
/// <param name="Uid">Its user.</param>
/// <param name="OpenPidfd">Opens a descriptor of the process; null where the kernel has none for a socket's peer.</param>
public sealed record LoanClient(int Pid, uint Uid, Func<SafeFileHandle?> OpenPidfd);
