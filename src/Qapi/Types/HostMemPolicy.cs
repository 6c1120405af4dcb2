namespace HostMemd.Qapi;

/// <summary>The NUMA nodes that memory comes from. The values are the kernel's MPOL_* (set_mempolicy(2)).</summary>
public enum HostMemPolicy { Default = 0, Preferred = 1, Bind = 2, Interleave = 3 }
